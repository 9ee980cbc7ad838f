using System.Text.Json.Nodes;
using Scheduler.Domain.Ids;

namespace Scheduler.Inference.Upstream;

/// <summary>Asks a running instance one short question outside any client's request: what judges and router models are asked by.</summary>
internal interface IInstanceChat
{
    /// <summary>Asks it.</summary>
    /// <param name="account">Whose instance.</param>
    /// <param name="servingName">Its name; a balancer is not asked.</param>
    /// <param name="question">The question.</param>
    /// <param name="cancellationToken">Ends the wait, and the runtime's work.</param>
    /// <returns>The answer, or why there is none; throws only when cancelled.</returns>
    Task<ChatReply> AskAsync(
        AccountId account,
        string servingName,
        ChatQuestion question,
        CancellationToken cancellationToken
    );
}

/// <summary>One question.</summary>
/// <param name="System">What the model is to do.</param>
/// <param name="User">What it is to do it with.</param>
/// <param name="MaxTokens">Longest answer, tokens.</param>
/// <param name="Deadline">How long the answer may take.</param>
/// <param name="AnswerSchema">JSON schema the answer must follow, as far as the runtime can hold its model to it; null for free text.</param>
internal sealed record ChatQuestion(
    string System,
    string User,
    int MaxTokens,
    TimeSpan Deadline,
    JsonObject? AnswerSchema = null
);

/// <summary>What came of it.</summary>
/// <param name="Text">The answer; null when there is none.</param>
/// <param name="Fault">Why there is none.</param>
/// <param name="Reason">One line for people; says nothing of the question.</param>
internal sealed record ChatReply(string? Text, ChatFault Fault, string Reason);

/// <summary>Why an instance did not answer.</summary>
internal enum ChatFault
{
    /// <summary>It answered.</summary>
    None = 0,

    /// <summary>No instance of the account has the name.</summary>
    NotFound,

    /// <summary>It is not running.</summary>
    NotRunning,

    /// <summary>It did not answer before the deadline.</summary>
    TimedOut,

    /// <summary>It could not be reached, broke off, or answered with an error.</summary>
    Failed,
}
