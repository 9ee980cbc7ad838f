namespace Scheduler.UnitTests.Inference.Dialects;

/// <summary>Requests in the shape that public agents send, with short texts.</summary>
internal static class Traffic
{
    /// <summary>Claude Code: system blocks, caching marks, tools with a JSON schema, thinking, a conversation with tools.</summary>
    public const string ClaudeCode = """
        {
          "model": "chat",
          "max_tokens": 32000,
          "stream": true,
          "metadata": { "user_id": "user_0a_account__session_1b" },
          "thinking": { "type": "adaptive" },
          "context_management": { "edits": [{ "type": "clear_thinking_20251015", "keep": "all" }] },
          "output_config": { "effort": "high" },
          "system": [
            { "type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.0; cch=00000;" },
            { "type": "text", "text": "You are an agent.", "cache_control": { "type": "ephemeral" } },
            { "type": "text", "text": "Work in /repo.", "cache_control": { "type": "ephemeral", "ttl": "1h" } }
          ],
          "tools": [
            {
              "name": "Bash",
              "description": "Runs a command.",
              "input_schema": {
                "$schema": "http://json-schema.org/draft-07/schema#",
                "type": "object",
                "properties": { "command": { "type": "string" }, "timeout": { "type": "number" } },
                "required": ["command"],
                "additionalProperties": false
              },
              "eager_input_streaming": true,
              "cache_control": { "type": "ephemeral" }
            },
            { "name": "Read", "description": "Reads a file.", "input_schema": { "type": "object", "properties": {} } }
          ],
          "tool_choice": { "type": "auto" },
          "messages": [
            {
              "role": "user",
              "content": [
                { "type": "text", "text": "<system-reminder>Be brief.</system-reminder>" },
                { "type": "text", "text": "What is in the folder?", "cache_control": { "type": "ephemeral" } }
              ]
            },
            {
              "role": "assistant",
              "content": [
                { "type": "thinking", "thinking": "I look.", "signature": "EqQB" },
                { "type": "redacted_thinking", "data": "EmwK" },
                { "type": "text", "text": "I look into it." },
                { "type": "tool_use", "id": "toolu_1", "name": "Bash", "input": { "command": "ls", "timeout": 1e2 } },
                { "type": "tool_use", "id": "toolu_2", "name": "Read", "input": {} }
              ]
            },
            {
              "role": "user",
              "content": [
                { "type": "tool_result", "tool_use_id": "toolu_1", "content": "a.txt", "is_error": false },
                {
                  "type": "tool_result",
                  "tool_use_id": "toolu_2",
                  "is_error": true,
                  "content": [
                    { "type": "text", "text": "No such file." },
                    { "type": "image", "source": { "type": "base64", "media_type": "image/png", "data": "AAAA" } }
                  ]
                },
                { "type": "text", "text": "Go on." }
              ]
            }
          ]
        }
        """;

    /// <summary>Codex: instructions, a developer's message, reasoning, function and custom tools, nothing stored.</summary>
    public const string Codex = """
        {
          "model": "chat",
          "instructions": "You are a coding agent.",
          "input": [
            {
              "type": "message",
              "role": "developer",
              "content": [{ "type": "input_text", "text": "The sandbox is read-only." }]
            },
            {
              "type": "message",
              "role": "user",
              "content": [
                { "type": "input_text", "text": "Fix the test." },
                { "type": "input_image", "image_url": "data:image/png;base64,AAAA", "detail": "high" }
              ]
            },
            { "type": "reasoning", "id": "rs_1", "summary": [], "content": null, "encrypted_content": "gAAA" },
            {
              "type": "message",
              "role": "assistant",
              "content": [{ "type": "output_text", "text": "I run it." }],
              "phase": "commentary"
            },
            { "type": "function_call", "name": "shell", "arguments": "{\"command\":[\"ls\"]}", "call_id": "call_1" },
            { "type": "function_call_output", "call_id": "call_1", "output": "a.txt" },
            { "type": "custom_tool_call", "call_id": "call_2", "name": "apply_patch", "input": "*** Begin Patch\n" },
            {
              "type": "custom_tool_call_output",
              "call_id": "call_2",
              "output": [{ "type": "input_text", "text": "Done." }]
            }
          ],
          "tools": [
            {
              "type": "function",
              "name": "shell",
              "description": "Runs a command.",
              "strict": false,
              "parameters": {
                "type": "object",
                "properties": { "command": { "type": "array", "items": { "type": "string" } } },
                "required": ["command"],
                "additionalProperties": false
              }
            },
            {
              "type": "custom",
              "name": "apply_patch",
              "description": "Edits files.",
              "format": { "type": "grammar", "syntax": "lark", "definition": "start: patch" }
            }
          ],
          "tool_choice": "auto",
          "parallel_tool_calls": false,
          "reasoning": { "effort": "medium", "summary": "auto" },
          "store": false,
          "stream": true,
          "include": ["reasoning.encrypted_content"],
          "prompt_cache_key": "0199-aa",
          "text": { "verbosity": "low" },
          "client_metadata": { "x-codex-installation-id": "1" }
        }
        """;
}
