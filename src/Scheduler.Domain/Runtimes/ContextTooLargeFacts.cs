using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Runtimes;

/// <param name="Prompt">Prompt tokens counted by the runtime's own tokenizer; null when only the runtime knows.</param>
/// <param name="Output">Requested output, tokens; 0 when the request states none.</param>
public sealed record ContextTooLargeFacts(string ServingName, long Limit, long? Prompt, long Output)
    : FailureFacts(FailureCode.CtxTooLarge)
{
    protected internal override FailureText Describe()
    {
        var what = Prompt is { } prompt ? $"The prompt has {prompt} tokens" : "The prompt";
        var also = Output > 0 ? $" and {Output} tokens of output are asked for" : "";
        return new FailureText(
            Prompt is null
                ? $"The prompt{also} does not fit the context of '{ServingName}', {Limit} tokens."
                : $"{what}{also}; the context of '{ServingName}' is {Limit} tokens.",
            Hint(),
            Details(
                ("limit_tokens", Limit),
                ("prompt_tokens", Prompt),
                ("requested_tokens", Output),
                ("serving_name", ServingName)
            )
        );
    }

    private string Hint()
    {
        if (Prompt is not { } prompt)
        {
            return $"Shorten the prompt or ask for less output, or start '{ServingName}' with a larger context.";
        }

        var least = checked(prompt + Output);
        var longest = Limit - Output;
        var room = Limit - prompt;
        var larger = $"start '{ServingName}' with a context of {least} or more";

        // Only what helps alone is named: neither 0 tokens of output nor a prompt of 0 tokens is a request.
        return (Output > 1 && room > 0, longest > 0) switch
        {
            (true, true) =>
                $"Ask for at most {room} tokens of output, shorten the prompt to {longest} tokens, or {larger}.",
            (true, false) => $"Ask for at most {room} tokens of output, or {larger}.",
            (false, true) => $"Shorten the prompt to {longest} tokens, or {larger}.",
            (false, false) when Output > 1 =>
                $"Shorten the prompt below {Limit} tokens and ask for less output, or {larger}.",
            (false, false) => $"{char.ToUpperInvariant(larger[0])}{larger[1..]}.",
        };
    }
}
