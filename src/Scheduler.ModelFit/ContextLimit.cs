namespace Scheduler.ModelFit;

/// <summary>Longest context of a model, with the scaling of its positions. Source: vLLM's <c>config/model.py</c>.</summary>
internal static class ContextLimit
{
    /// <returns>Tokens, or null when the config states no limit.</returns>
    public static long? Read(ConfigFields fields, long max)
    {
        var limit = fields.Number(
            1,
            max,
            "max_position_embeddings",
            "n_positions",
            "max_seq_len",
            "seq_length",
            "model_max_length",
            "max_sequence_length",
            "n_ctx",
            "max_seq_length",
            "max_target_positions"
        );
        if (
            (fields.Nested("rope_scaling") ?? fields.Nested("rope_parameters")) is not { } rope
            || limit is not { } tokens
        )
        {
            return limit;
        }

        // Gemma 3 states the limit after scaling.
        if (fields.Text("model_type").StartsWith("gemma3", StringComparison.Ordinal))
        {
            return limit;
        }

        // These kinds scale frequencies only; the stated limit already holds for them.
        var kind = rope.Text("rope_type", "type");
        if (kind is "" or "default" or "mrope" or "longrope" or "su" or "llama3" or "proportional")
        {
            return limit;
        }

        var factor = Math.Clamp(rope.Real("factor") ?? 1, 1, 1024);
        if (kind is "yarn" or "deepseek_yarn")
        {
            // Some configs state the scaled limit already; the original length tells it from the unscaled one.
            tokens = rope.Number(1, max, "original_max_position_embeddings") ?? tokens;
        }

        return Math.Min(max, Math.Max(limit.Value, (long)(tokens * factor)));
    }
}
