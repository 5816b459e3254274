"""Callers of the four dialects: how each asks for a feature, and how it reads what comes back."""
import base64
import dataclasses
import json

PNG = base64.b64encode(bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108060000001f15c4890000000d49444154789c63000100"
    "000500010d0a2db40000000049454e44ae426082")).decode()
IMAGE_URL = "https://pictures.example/llama.png"
SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
TOOL, WORDS, ARGUMENTS, RESULT = "get_weather", "Says the weather", {"city": "Lima"}, "17 degrees"
SYSTEM, QUESTION, SEED = "Be brief.", "What is this?", 7


@dataclasses.dataclass
class Answer:
    """What any of them was answered, free of dialect."""
    text: str = ""
    thinking: str = ""
    calls: list = dataclasses.field(default_factory=list)    # (name, arguments)
    finish: str = ""                                         # stop or tool_calls
    usage: tuple = ()                                        # prompt tokens, completion tokens
    is_whole: bool = False                                   # the dialect's own end was there


def lines_of(text):
    """The JSON of each event of a stream of server-sent events, and the names of the events."""
    for block in filter(None, text.replace("\r\n", "\n").split("\n\n")):
        fields = dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":"))
        if "data" in fields:
            yield fields.get("event"), fields["data"]


class OpenAI:
    path = "/v1/chat/completions"
    headers = {}

    def ask(self, model, feature, stream):
        question = {"role": "user", "content": QUESTION}
        asked = {"model": model, "stream": stream,
                 "messages": [{"role": "system", "content": SYSTEM}, question]}
        tool = {"type": "function",
                "function": {"name": TOOL, "description": WORDS, "parameters": SCHEMA}}
        if stream:
            asked["stream_options"] = {"include_usage": True}
        if feature in ("image", "image-url"):
            url = f"data:image/png;base64,{PNG}" if feature == "image" else IMAGE_URL
            question["content"] = [{"type": "text", "text": QUESTION},
                                   {"type": "image_url", "image_url": {"url": url}}]
        if feature in ("tools", "must-call", "tool-result"):
            asked["tools"] = [tool]
        if feature == "must-call":
            asked["tool_choice"] = "required"
        if feature == "tool-result":
            call = {"id": "call_1", "type": "function",
                    "function": {"name": TOOL, "arguments": json.dumps(ARGUMENTS)}}
            asked["messages"] += [{"role": "assistant", "content": None, "tool_calls": [call]},
                                  {"role": "tool", "tool_call_id": "call_1", "content": RESULT}]
        if feature == "schema":
            asked["response_format"] = {
                "type": "json_schema", "json_schema": {"name": "place", "schema": SCHEMA}}
        if feature == "reasoning":
            asked["reasoning_effort"] = "high"
        if feature == "seed":
            asked["seed"] = SEED
        return asked

    def path_of(self, model, stream):
        return self.path

    def read_plain(self, body):
        choice, usage = body["choices"][0], body["usage"]
        said = choice["message"]
        calls = [(c["function"]["name"], json.loads(c["function"]["arguments"]))
                 for c in said.get("tool_calls") or []]
        return Answer(said.get("content") or "",
                      said.get("reasoning_content") or said.get("reasoning") or "", calls,
                      choice["finish_reason"], (usage["prompt_tokens"], usage["completion_tokens"]),
                      body["object"] == "chat.completion")

    def read_stream(self, text):
        answer, pieces = Answer(), {}
        for _, data in lines_of(text):
            if data == "[DONE]":
                answer.is_whole = True
                break
            event = json.loads(data)
            if event.get("usage"):
                answer.usage = (event["usage"]["prompt_tokens"],
                                event["usage"]["completion_tokens"])
            for choice in event["choices"]:
                delta = choice["delta"]
                answer.text += delta.get("content") or ""
                answer.thinking += delta.get("reasoning_content") or delta.get("reasoning") or ""
                answer.finish = choice.get("finish_reason") or answer.finish
                for call in delta.get("tool_calls") or []:
                    piece = pieces.setdefault(call["index"], ["", ""])
                    piece[0] += call["function"].get("name") or ""
                    piece[1] += call["function"].get("arguments") or ""
        answer.calls = [(name, json.loads(words)) for name, words in pieces.values()]
        return answer

    def words_of_error(self, body):
        assert body["error"]["type"], body
        return body["error"]["message"]


class Anthropic:
    path = "/v1/messages"
    headers = {"anthropic-version": "2023-06-01"}
    finishes = {"end_turn": "stop", "tool_use": "tool_calls"}

    def ask(self, model, feature, stream):
        question = {"role": "user", "content": QUESTION}
        asked = {"model": model, "stream": stream, "max_tokens": 4096, "system": SYSTEM,
                 "messages": [question]}
        if feature in ("image", "image-url"):
            source = ({"type": "base64", "media_type": "image/png", "data": PNG}
                      if feature == "image" else {"type": "url", "url": IMAGE_URL})
            question["content"] = [{"type": "text", "text": QUESTION},
                                   {"type": "image", "source": source}]
        if feature in ("tools", "must-call", "tool-result"):
            asked["tools"] = [{"name": TOOL, "description": WORDS, "input_schema": SCHEMA}]
        if feature == "must-call":
            asked["tool_choice"] = {"type": "any"}
        if feature == "tool-result":
            call = {"type": "tool_use", "id": "toolu_1", "name": TOOL, "input": ARGUMENTS}
            result = {"type": "tool_result", "tool_use_id": "toolu_1", "content": RESULT}
            asked["messages"] += [{"role": "assistant", "content": [call]},
                                  {"role": "user", "content": [result]}]
        if feature == "schema":
            asked["output_config"] = {"format": {"type": "json_schema", "schema": SCHEMA}}
        if feature == "reasoning":
            asked["thinking"] = {"type": "enabled", "budget_tokens": 2048}
        return asked

    def path_of(self, model, stream):
        return self.path

    def read_plain(self, body):
        answer = Answer(finish=self.finishes[body["stop_reason"]], is_whole=body["type"] == "message",
                        usage=(body["usage"]["input_tokens"], body["usage"]["output_tokens"]))
        for block in body["content"]:
            answer.text += block.get("text", "")
            answer.thinking += block.get("thinking", "")
            if block["type"] == "tool_use":
                answer.calls.append((block["name"], block["input"]))
        return answer

    def read_stream(self, text):
        answer, blocks, prompt = Answer(), {}, 0
        for name, data in lines_of(text):
            event = json.loads(data)
            assert event["type"] == name, (name, data)
            if name == "message_start":
                prompt = event["message"]["usage"]["input_tokens"]
            elif name == "content_block_start":
                blocks[event["index"]] = [event["content_block"], ""]
            elif name == "content_block_delta":
                delta = event["delta"]
                answer.text += delta.get("text", "")
                answer.thinking += delta.get("thinking", "")
                blocks[event["index"]][1] += delta.get("partial_json", "")
            elif name == "message_delta":
                answer.finish = self.finishes[event["delta"]["stop_reason"]]
                usage = event["usage"]
                answer.usage = (usage.get("input_tokens", prompt), usage["output_tokens"])
            elif name == "message_stop":
                answer.is_whole = True
        answer.calls = [(block["name"], json.loads(words or "{}"))
                        for block, words in blocks.values() if block["type"] == "tool_use"]
        return answer

    def words_of_error(self, body):
        assert body["type"] == "error" and body["error"]["type"], body
        return body["error"]["message"]


class Gemini:
    headers = {}

    def ask(self, model, feature, stream):
        question = [{"text": QUESTION}]
        asked = {"systemInstruction": {"parts": [{"text": SYSTEM}]},
                 "contents": [{"role": "user", "parts": question}]}
        if feature == "image":
            question.append({"inlineData": {"mimeType": "image/png", "data": PNG}})
        if feature in ("tools", "must-call", "tool-result"):
            asked["tools"] = [{"functionDeclarations": [
                {"name": TOOL, "description": WORDS, "parametersJsonSchema": SCHEMA}]}]
        if feature == "must-call":
            asked["toolConfig"] = {"functionCallingConfig": {"mode": "ANY"}}
        if feature == "tool-result":
            call = {"functionCall": {"name": TOOL, "args": ARGUMENTS}}
            result = {"functionResponse": {"name": TOOL, "response": {"result": RESULT}}}
            asked["contents"] += [{"role": "model", "parts": [call]},
                                  {"role": "user", "parts": [result]}]
        if feature == "schema":
            asked["generationConfig"] = {"responseMimeType": "application/json",
                                         "responseJsonSchema": SCHEMA}
        if feature == "reasoning":
            asked["generationConfig"] = {
                "thinkingConfig": {"includeThoughts": True, "thinkingLevel": "high"}}
        if feature == "seed":
            asked["generationConfig"] = {"seed": SEED}
        return asked

    def path_of(self, model, stream):
        verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{model}:{verb}"

    def read_plain(self, body):
        return self.read_all([body])

    def read_stream(self, text):
        return self.read_all([json.loads(data) for _, data in lines_of(text)])

    def read_all(self, pieces):
        answer = Answer()
        for piece in pieces:
            for candidate in piece.get("candidates", []):
                for part in candidate.get("content", {}).get("parts", []):
                    if part.get("thought"):
                        answer.thinking += part.get("text", "")
                    else:
                        answer.text += part.get("text", "")
                    if "functionCall" in part:
                        answer.calls.append((part["functionCall"]["name"],
                                             part["functionCall"]["args"]))
                answer.is_whole |= candidate.get("finishReason") == "STOP"
            usage = piece.get("usageMetadata") or {}
            if "candidatesTokenCount" in usage:
                answer.usage = (usage["promptTokenCount"], usage["candidatesTokenCount"]
                                + usage.get("thoughtsTokenCount", 0))
        answer.finish = "tool_calls" if answer.calls else "stop"    # Gemini has no reason for calls
        return answer

    def words_of_error(self, body):
        assert body["error"]["code"] >= 400 and body["error"]["status"], body
        return body["error"]["message"]


class Ollama:
    path = "/api/chat"
    headers = {}

    def ask(self, model, feature, stream):
        question = {"role": "user", "content": QUESTION}
        asked = {"model": model, "stream": stream,
                 "messages": [{"role": "system", "content": SYSTEM}, question]}
        if feature == "image":
            question["images"] = [PNG]
        if feature in ("tools", "tool-result"):
            asked["tools"] = [{"type": "function", "function": {
                "name": TOOL, "description": WORDS, "parameters": SCHEMA}}]
        if feature == "tool-result":
            call = {"function": {"name": TOOL, "arguments": ARGUMENTS}}
            asked["messages"] += [{"role": "assistant", "content": "", "tool_calls": [call]},
                                  {"role": "tool", "tool_name": TOOL, "content": RESULT}]
        if feature == "schema":
            asked["format"] = SCHEMA
        if feature == "reasoning":
            asked["think"] = "high"
        if feature == "seed":
            asked["options"] = {"seed": SEED}
        return asked

    def path_of(self, model, stream):
        return self.path

    def read_plain(self, body):
        return self.read_all([body])

    def read_stream(self, text):
        return self.read_all([json.loads(line) for line in text.splitlines()])

    def read_all(self, lines):
        answer = Answer()
        for line in lines:
            said = line["message"]
            answer.text += said.get("content", "")
            answer.thinking += said.get("thinking", "")
            answer.calls += [(c["function"]["name"], c["function"]["arguments"])
                             for c in said.get("tool_calls") or []]
            if line["done"]:
                answer.is_whole = True
                answer.usage = (line["prompt_eval_count"], line["eval_count"])
                assert line["done_reason"] == "stop", line
        answer.finish = "tool_calls" if answer.calls else "stop"    # Ollama has no reason for calls
        return answer

    def words_of_error(self, body):
        return body["error"]


CALLERS = {"openai": OpenAI(), "anthropic": Anthropic(), "gemini": Gemini(), "ollama": Ollama()}
