using System.Collections.Immutable;
using System.Text.Json.Nodes;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Upstream;

/// <summary>Asks a running instance one short question; used for judges and router models.</summary>
internal interface IInstanceChat
{
    /// <param name="servingName">Serving name of an instance; a balancer is not accepted.</param>
    /// <param name="cancellationToken">Ends the wait and the runtime's work.</param>
    /// <returns>The answer, or why there is none. Throws only when cancelled.</returns>
    Task<ChatReply> AskAsync(
        AccountId account,
        string servingName,
        ChatQuestion question,
        CancellationToken cancellationToken
    );
}

/// <param name="MaxTokens">Longest answer, tokens.</param>
/// <param name="AnswerSchema">Enforced as far as the runtime can; null for free text.</param>
internal sealed record ChatQuestion(
    string System,
    string User,
    int MaxTokens,
    TimeSpan Deadline,
    JsonObject? AnswerSchema = null
)
{
    /// <summary>Data URLs of images after the user's text.</summary>
    public ImmutableArray<string> Images { get; init; } = [];
}

/// <param name="Text">The answer; null when there is none.</param>
/// <param name="Reason">One line for people; never contains the question.</param>
internal sealed record ChatReply(string? Text, ChatFault Fault, string Reason);

internal enum ChatFault
{
    None = 0,

    /// <summary>No instance of the account has the name.</summary>
    NotFound,

    NotRunning,

    TimedOut,

    /// <summary>The instance could not be reached, broke off, or answered with an error.</summary>
    Failed,
}
