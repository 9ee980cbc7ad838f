using System.Text.Json;
using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Models;

/// <summary>Why a model could not be imported: the facts of <c>MODEL_IMPORT_REFUSED</c>.</summary>
public sealed record ModelImportFacts(string Repository, HubRefusal Refusal)
    : FailureFacts(FailureCode.ModelImportRefused)
{
    protected internal override FailureText Describe() =>
        new(
            $"{Repository} cannot be imported: {Refusal.Words}",
            Hint(),
            Details(
                    ("repository", Repository),
                    ("cause", JsonNamingPolicy.SnakeCaseLower.ConvertName(Refusal.Cause.ToString()))
                )
                .AddRange(Refusal.Choices.Select((choice, i) => KeyValuePair.Create($"choice_{i + 1}", choice)))
        );

    private string Hint() =>
        Refusal.Cause switch
        {
            HubCause.RepositoryMissing =>
                "Correct the repository; for a private one, name a token secret whose user may read it.",
            HubCause.RevisionMissing =>
                "Name a branch, a tag or a commit of the repository, or leave out the revision.",
            HubCause.FileMissing => "Name a file that the repository has, or leave it out.",
            HubCause.Gated =>
                "Accept the terms on the model's page at the hub, and import again with a token of that user.",
            HubCause.TokenRefused => "Replace the value of the token secret with a token that is valid at the hub.",
            HubCause.Disabled => "Use another model: the hub serves this one no longer.",
            HubCause.Ambiguous => $"Name one file: {string.Join(", ", Refusal.Choices)}.",
            HubCause.Unsupported => "Use a repository with config.json and safetensors files, or with GGUF files.",
            HubCause.WrongRuntime => "Leave out the runtime, or name one that loads this format.",
            HubCause.Unreachable or _ => throw new System.Diagnostics.UnreachableException(),
        };
}

/// <summary>The hub did not answer: the facts of <c>HUB_UNREACHABLE</c>.</summary>
public sealed record HubUnreachableFacts(string Repository, string Words) : FailureFacts(FailureCode.HubUnreachable)
{
    protected internal override FailureText Describe() =>
        new(
            $"The hub did not answer for {Repository}: {Words}",
            "Try again later; if it lasts, check Hub:BaseUrl and the way to the hub, or register the files instead.",
            Details(("repository", Repository))
        );
}
