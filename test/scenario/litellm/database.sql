-- LiteLLM's tables, as far as the import reads them, with rows as a proxy writes them.
CREATE TABLE "LiteLLM_BudgetTable" (
    budget_id text PRIMARY KEY, max_budget double precision, soft_budget double precision,
    max_parallel_requests int, tpm_limit bigint, rpm_limit bigint, budget_duration text,
    budget_reset_at timestamp(3));
CREATE TABLE "LiteLLM_VerificationToken" (
    token text PRIMARY KEY, key_name text, key_alias text, soft_budget_cooldown boolean NOT NULL DEFAULT false,
    spend double precision NOT NULL DEFAULT 0, expires timestamp(3), models text[], aliases jsonb NOT NULL DEFAULT '{}',
    user_id text, team_id text, max_parallel_requests int, metadata jsonb NOT NULL DEFAULT '{}', blocked boolean,
    tpm_limit bigint, rpm_limit bigint, max_budget double precision, budget_duration text,
    budget_reset_at timestamp(3), budget_id text REFERENCES "LiteLLM_BudgetTable",
    created_at timestamp(3) DEFAULT now());
CREATE TABLE "LiteLLM_SpendLogs" (
    request_id text PRIMARY KEY, call_type text NOT NULL, api_key text NOT NULL DEFAULT '', spend double precision NOT NULL DEFAULT 0,
    total_tokens int NOT NULL DEFAULT 0, prompt_tokens int NOT NULL DEFAULT 0, completion_tokens int NOT NULL DEFAULT 0,
    "startTime" timestamp(3) NOT NULL, "endTime" timestamp(3) NOT NULL, model text NOT NULL DEFAULT '',
    model_group text DEFAULT '', "user" text DEFAULT '', status text);

INSERT INTO "LiteLLM_BudgetTable" (budget_id, max_budget, budget_duration, rpm_limit) VALUES ('shared', 3, '7d', 90);
INSERT INTO "LiteLLM_VerificationToken"
    (token, key_name, key_alias, spend, models, user_id, rpm_limit, tpm_limit, max_budget, budget_duration, expires, budget_id, blocked, team_id, max_parallel_requests)
VALUES
    (encode(sha256('sk-first-key-of-ana-0001'), 'hex'), 'sk-...0001', 'laptop', 1.75, '{}', 'ana', 60, 100000, 10, '30d', NULL, NULL, NULL, NULL, 4),
    (encode(sha256('sk-second-key-of-bo-0002'), 'hex'), 'sk-...0002', 'phone', 0, '{qwen2.5-7b,claude}', 'bo', NULL, NULL, NULL, NULL, '2031-01-01 00:00:00', 'shared', NULL, NULL, NULL),
    (encode(sha256('sk-blocked-key-of-c-0003'), 'hex'), 'sk-...0003', 'tablet', 0, '{all-proxy-models}', 'cy', NULL, NULL, NULL, NULL, NULL, NULL, true, 'team-1', NULL),
    (encode(sha256('sk-plain-key-of-dee-0004'), 'hex'), 'sk-...0004', NULL, 0, '{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL),
    ('litellm-dashboard', NULL, 'dashboard', 0, '{}', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL);
INSERT INTO "LiteLLM_SpendLogs" (request_id, call_type, api_key, spend, prompt_tokens, completion_tokens, "startTime", "endTime", model, model_group, status)
SELECT 'chatcmpl-' || i, 'acompletion', encode(sha256('sk-first-key-of-ana-0001'), 'hex'), 0.001, 100, 50,
       timestamp '2026-11-01 10:00:00' + i * interval '1 minute', timestamp '2026-11-01 10:00:02' + i * interval '1 minute',
       'gpt-4o', 'gpt-4o', CASE WHEN i % 100 = 0 THEN 'failure' ELSE 'success' END
FROM generate_series(1, 1200) AS i;
