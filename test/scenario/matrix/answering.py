"""Engines and providers of the four dialects: they keep what they were asked, and answer as their
published interfaces say."""
import json
import re

from matrix.asking import ARGUMENTS, IMAGE_URL, PNG, RESULT, SCHEMA, SEED, SYSTEM, QUESTION, TOOL
from pages import Page, Pages

TEXT, THINKING, PROMPT_TOKENS, ANSWER_TOKENS = "Hello there", "Let me see.", 21, 9
GREETINGS = {
    "/api/version": {"version": "0.33.0"}, "/api/tags": {"models": []}, "/api/ps": {"models": []},
    "/health": {"status": "ok"},
}


def event(body, name=None):
    return (f"event: {name}\n" if name else "") + f"data: {json.dumps(body)}\n\n"


class OpenAI:
    """/v1/chat/completions."""

    def arrived(self, asked):
        said = asked["messages"]
        parts = [p for m in said if isinstance(m.get("content"), list) for p in m["content"]]
        urls = [p["image_url"]["url"] for p in parts if p["type"] == "image_url"]
        texts = [m["content"] for m in said if isinstance(m.get("content"), str)]
        texts += [p["text"] for p in parts if p["type"] == "text"]
        calls = [c["function"] for m in said for c in m.get("tool_calls") or []]
        return {
            "system": any(m["role"] in ("system", "developer") and SYSTEM in str(m["content"])
                          for m in said),
            "text": QUESTION in texts,
            "image": f"data:image/png;base64,{PNG}" in urls,
            "image-url": IMAGE_URL in urls,
            "tools": any(t["function"]["name"] == TOOL and t["function"]["parameters"] == SCHEMA
                         for t in asked.get("tools", [])),
            "must-call": asked.get("tool_choice") == "required",
            "tool-result": any(c["name"] == TOOL and json.loads(c["arguments"]) == ARGUMENTS
                               for c in calls)
            and any(m["role"] == "tool" and RESULT in str(m["content"]) for m in said),
            "schema": asked.get("response_format", {}).get("json_schema", {}).get("schema")
            == SCHEMA,
            "reasoning": asked.get("reasoning_effort", "none") != "none",
            "seed": asked.get("seed") == SEED,
        }

    def is_streaming(self, path, asked):
        return bool(asked.get("stream"))

    def answer(self, asked, thinks, calls):
        said = {"role": "assistant", "content": None if calls else TEXT}
        if thinks:
            said["reasoning_content"] = THINKING
        if calls:
            said["tool_calls"] = [{"id": "call_9", "type": "function", "function": {
                "name": TOOL, "arguments": json.dumps(ARGUMENTS)}}]
        return {"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "m",
                "choices": [{"index": 0, "message": said, "logprobs": None,
                             "finish_reason": "tool_calls" if calls else "stop"}],
                "usage": self.usage()}

    def usage(self):
        return {"prompt_tokens": PROMPT_TOKENS, "completion_tokens": ANSWER_TOKENS,
                "total_tokens": PROMPT_TOKENS + ANSWER_TOKENS}

    def stream(self, asked, thinks, calls):
        def chunk(delta, finish=None):
            return event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                          "model": "m", "choices": [
                              {"index": 0, "delta": delta, "finish_reason": finish}]})
        yield "text/event-stream"
        yield chunk({"role": "assistant", "content": ""})
        if thinks:
            yield chunk({"reasoning_content": THINKING})
        if calls:
            words = json.dumps(ARGUMENTS)
            yield chunk({"tool_calls": [{"index": 0, "id": "call_9", "type": "function",
                                         "function": {"name": TOOL, "arguments": words[:5]}}]})
            yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": words[5:]}}]})
        else:
            yield chunk({"content": TEXT[:5]})
            yield chunk({"content": TEXT[5:]})
        yield chunk({}, "tool_calls" if calls else "stop")
        if (asked.get("stream_options") or {}).get("include_usage"):
            yield event({"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1,
                         "model": "m", "choices": [], "usage": self.usage()})
        yield "data: [DONE]\n\n"


class Anthropic:
    """/v1/messages."""

    def arrived(self, asked):
        blocks = [b for m in asked["messages"] if isinstance(m["content"], list)
                  for b in m["content"]]
        texts = [m["content"] for m in asked["messages"] if isinstance(m["content"], str)]
        texts += [b["text"] for b in blocks if b["type"] == "text"]
        sources = [b["source"] for b in blocks if b["type"] == "image"]
        roles = [m["role"] for m in asked["messages"]]
        assert asked["max_tokens"] >= 1 and not set(roles) - {"user", "assistant"}, asked
        assert "seed" not in asked, asked
        return {
            "system": SYSTEM in json.dumps(asked.get("system", "")),
            "text": QUESTION in texts,
            "image": {"type": "base64", "media_type": "image/png", "data": PNG} in sources,
            "image-url": {"type": "url", "url": IMAGE_URL} in sources,
            "tools": any(t["name"] == TOOL and t["input_schema"] == SCHEMA
                         for t in asked.get("tools", [])),
            "must-call": asked.get("tool_choice", {}).get("type") == "any",
            "tool-result": any(b["type"] == "tool_use" and b["name"] == TOOL
                               and b["input"] == ARGUMENTS for b in blocks)
            and any(b["type"] == "tool_result" and RESULT in json.dumps(b["content"])
                    for b in blocks),
            "schema": asked.get("output_config", {}).get("format", {}).get("schema") == SCHEMA,
            "reasoning": asked.get("thinking", {}).get("type") in ("enabled", "adaptive")
            or "effort" in asked.get("output_config", {}),
            "seed": False,
        }

    def is_streaming(self, path, asked):
        return bool(asked.get("stream"))

    def blocks(self, thinks, calls):
        if thinks:
            yield {"type": "thinking", "thinking": THINKING, "signature": "c2lnbmVk"}
        yield ({"type": "tool_use", "id": "toolu_9", "name": TOOL, "input": ARGUMENTS} if calls
               else {"type": "text", "text": TEXT})

    def answer(self, asked, thinks, calls):
        return {"id": "msg_1", "type": "message", "role": "assistant", "model": asked["model"],
                "content": list(self.blocks(thinks, calls)), "stop_sequence": None,
                "stop_reason": "tool_use" if calls else "end_turn",
                "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": ANSWER_TOKENS}}

    def stream(self, asked, thinks, calls):
        whole = self.answer(asked, thinks, calls)
        start = {**whole, "content": [], "stop_reason": None,
                 "usage": {"input_tokens": PROMPT_TOKENS, "output_tokens": 1}}
        yield "text/event-stream"
        yield event({"type": "message_start", "message": start}, "message_start")
        yield event({"type": "ping"}, "ping")
        for index, block in enumerate(whole["content"]):
            yield from self.block(index, block)
        yield event({"type": "message_delta", "usage": {"output_tokens": ANSWER_TOKENS},
                     "delta": {"stop_reason": whole["stop_reason"], "stop_sequence": None}},
                    "message_delta")
        yield event({"type": "message_stop"}, "message_stop")

    def block(self, index, block):
        empty = {"text": {"text": ""}, "thinking": {"thinking": "", "signature": ""},
                 "tool_use": {"input": {}}}
        deltas = {
            "text": [{"type": "text_delta", "text": TEXT[:5]},
                     {"type": "text_delta", "text": TEXT[5:]}],
            "thinking": [{"type": "thinking_delta", "thinking": THINKING},
                         {"type": "signature_delta", "signature": "c2lnbmVk"}],
            "tool_use": [{"type": "input_json_delta", "partial_json": ""},
                         {"type": "input_json_delta", "partial_json": json.dumps(ARGUMENTS)}],
        }
        kind = block["type"]
        yield event({"type": "content_block_start", "index": index,
                     "content_block": {**block, **empty[kind]}}, "content_block_start")
        for delta in deltas[kind]:
            yield event({"type": "content_block_delta", "index": index, "delta": delta},
                        "content_block_delta")
        yield event({"type": "content_block_stop", "index": index}, "content_block_stop")


class Gemini:
    """/v1beta/models/NAME:generateContent and :streamGenerateContent."""

    def arrived(self, asked):
        parts = [p for c in asked["contents"] for p in c["parts"]]
        declared = [f for t in asked.get("tools", []) for f in t.get("functionDeclarations", [])]
        config = asked.get("generationConfig", {})
        calling = asked.get("toolConfig", {}).get("functionCallingConfig", {})
        thinking = config.get("thinkingConfig", {})
        return {
            "system": SYSTEM in json.dumps(asked.get("systemInstruction", {})),
            "text": any(p.get("text") == QUESTION for p in parts),
            "image": {"mimeType": "image/png", "data": PNG} in [p.get("inlineData")
                                                                 for p in parts],
            "image-url": IMAGE_URL in json.dumps(parts),
            "tools": any(f["name"] == TOOL and SCHEMA in (f.get("parametersJsonSchema"),
                                                          f.get("parameters")) for f in declared),
            "must-call": calling.get("mode") == "ANY",
            "tool-result": {"name": TOOL, "args": ARGUMENTS} in [
                {k: v for k, v in p["functionCall"].items() if k != "id"}
                for p in parts if "functionCall" in p]
            and any(RESULT in json.dumps(p["functionResponse"]) and
                    p["functionResponse"]["name"] == TOOL
                    for p in parts if "functionResponse" in p),
            "schema": SCHEMA in (config.get("responseJsonSchema"), config.get("responseSchema"))
            and config.get("responseMimeType") == "application/json",
            "reasoning": bool(thinking.get("thinkingLevel") or thinking.get("thinkingBudget")),
            "seed": config.get("seed") == SEED,
        }

    def is_streaming(self, path, asked):
        return ":streamGenerateContent" in path

    def piece(self, *parts, finish=None, usage=False):
        candidate = {"content": {"role": "model", "parts": list(parts)}, "index": 0}
        body = {"candidates": [candidate], "modelVersion": "m", "responseId": "r1"}
        if finish:
            candidate["finishReason"] = finish
        if usage:
            body["usageMetadata"] = {
                "promptTokenCount": PROMPT_TOKENS, "candidatesTokenCount": ANSWER_TOKENS - 2,
                "thoughtsTokenCount": 2, "totalTokenCount": PROMPT_TOKENS + ANSWER_TOKENS}
        return body

    def parts(self, thinks, calls):
        if thinks:
            yield {"text": THINKING, "thought": True}
        if calls:
            yield {"functionCall": {"name": TOOL, "args": ARGUMENTS}, "thoughtSignature": "c2ln"}
        else:
            yield {"text": TEXT[:5]}
            yield {"text": TEXT[5:]}

    def answer(self, asked, thinks, calls):
        return self.piece(*self.parts(thinks, calls), finish="STOP", usage=True)

    def stream(self, asked, thinks, calls):
        yield "text/event-stream"
        for part in self.parts(thinks, calls):
            yield event(self.piece(part))
        yield event(self.piece({"text": ""}, finish="STOP", usage=True))


class Ollama:
    """/api/chat."""

    def arrived(self, asked):
        said = asked["messages"]
        calls = [c["function"] for m in said for c in m.get("tool_calls") or []]
        return {
            "system": any(m["role"] == "system" and SYSTEM in m["content"] for m in said),
            "text": any(QUESTION in m["content"] for m in said),
            "image": any(PNG in m.get("images", []) for m in said),
            "image-url": IMAGE_URL in json.dumps(said),
            "tools": any(t["function"]["name"] == TOOL and t["function"]["parameters"] == SCHEMA
                         for t in asked.get("tools") or []),
            "must-call": "tool_choice" in asked,
            "tool-result": any(c["name"] == TOOL and c["arguments"] == ARGUMENTS for c in calls)
            and any(m["role"] == "tool" and RESULT in m["content"] for m in said),
            "schema": asked.get("format") == SCHEMA,
            "reasoning": asked.get("think") not in (None, False),
            "seed": asked.get("options", {}).get("seed") == SEED,
        }

    def is_streaming(self, path, asked):
        return asked.get("stream", True)

    def line(self, **said):
        return {"model": "m", "created_at": "2026-11-23T00:00:00Z", "done": False,
                "message": {"role": "assistant", "content": "", **said}}

    def last(self, line):
        return {**line, "done": True, "done_reason": "stop", "total_duration": 9_000_000,
                "load_duration": 1_000_000, "prompt_eval_count": PROMPT_TOKENS,
                "prompt_eval_duration": 2_000_000, "eval_count": ANSWER_TOKENS,
                "eval_duration": 5_000_000}

    def said(self, thinks, calls):
        if thinks:
            yield {"thinking": THINKING}
        if calls:
            yield {"tool_calls": [{"function": {"name": TOOL, "arguments": ARGUMENTS}}]}
        else:
            yield {"content": TEXT[:5]}
            yield {"content": TEXT[5:]}

    def answer(self, asked, thinks, calls):
        said = {}
        for piece in self.said(thinks, calls):
            said["content"] = said.get("content", "") + piece.pop("content", "")
            said |= piece
        return self.last(self.line(**said))

    def stream(self, asked, thinks, calls):
        yield "application/x-ndjson"
        for piece in self.said(thinks, calls):
            yield json.dumps(self.line(**piece)) + "\n"
        yield json.dumps(self.last(self.line())) + "\n"


DIALECTS = {"openai": OpenAI(), "anthropic": Anthropic(), "gemini": Gemini(), "ollama": Ollama()}
PATHS = {r".*/chat/completions": "openai", r".*/v1/messages": "anthropic",
         r".*/models/[^:]+:(streamG|g)enerateContent(\?.*)?": "gemini", r"/api/chat": "ollama"}


class Engine:
    """Listens on loopback until close(); .asked holds (dialect, path, headers, body)."""

    def __init__(self):
        engine = self
        self.asked = []

        class Connection(Page):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def do_GET(self):
                self.send("application/json", json.dumps(
                    GREETINGS.get(self.path, {"object": "list", "data": [], "models": []})))

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["content-length"])))
                name = next(n for p, n in PATHS.items() if re.fullmatch(p, self.path))
                engine.asked.append((name, self.path, dict(self.headers), body))
                dialect, arrived = DIALECTS[name], DIALECTS[name].arrived(body)
                calls = arrived["tools"] and not arrived["tool-result"]
                if not dialect.is_streaming(self.path, body):
                    return self.send("application/json", json.dumps(
                        dialect.answer(body, arrived["reasoning"], calls)))
                kind, *pieces = dialect.stream(body, arrived["reasoning"], calls)
                return self.send(kind, "".join(pieces))

            def send(self, kind, text):
                body = text.encode()
                self.send_response(200)
                self.send_header("content-type", kind)
                self.send_header("content-length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

        self.server = Pages(Connection).begin()
        self.port, self.close = self.server.port, self.server.drop
