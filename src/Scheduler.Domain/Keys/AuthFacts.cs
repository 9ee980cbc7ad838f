using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Keys;

/// <summary>Why an API or gateway endpoint refused a key.</summary>
public abstract record AuthFacts(FailureCode Code) : FailureFacts(Code);

public sealed record MissingTokenFacts() : AuthFacts(FailureCode.AuthMissingToken);

/// <summary>The token belongs to no key. The facts do not reveal how close a guess was.</summary>
/// <param name="TokenPrefix">
/// Public prefix of a well-formed token (<c>sk-…</c>), null otherwise; contains no part of the secret.
/// </param>
public sealed record InvalidTokenFacts(TokenFault Fault, string? TokenPrefix) : AuthFacts(FailureCode.AuthInvalidToken)
{
    protected internal override FailureText Describe()
    {
        var (message, hint) = Fault switch
        {
            TokenFault.NotBearer => (
                "The Authorization header is not of the scheme Bearer.",
                "Send exactly one header `Authorization: Bearer <key>`."
            ),
            TokenFault.Malformed => (
                "The token is not of the form of a key.",
                $"A key has {KeyToken.Length} characters, `sk-` first; copy it again from your secret manager, whole and unquoted."
            ),
            TokenFault.NoMatch => (
                "The token matches no key.",
                $"Compare the prefix `{TokenPrefix}` and the secret with your secret manager; copy the value again."
            ),
            _ => throw new System.Diagnostics.UnreachableException(),
        };
        return new FailureText(message, hint, Details(("token_prefix", TokenPrefix)));
    }
}

public enum TokenFault
{
    /// <summary>A scheme other than Bearer, or several headers.</summary>
    NotBearer = 1,

    Malformed = 2,

    NoMatch = 3,
}

/// <summary>The token is correct, but its key was revoked.</summary>
public sealed record RevokedTokenFacts(string KeyId, DateTimeOffset RevokedAt) : AuthFacts(FailureCode.AuthRevokedToken)
{
    protected internal override FailureText Describe() =>
        new(
            $"The key {KeyId} was revoked at {RevokedAt:yyyy-MM-dd'T'HH:mm:ss'Z'}.",
            $"Create a new key and roll it out to all clients that still use {KeyId}.",
            Details(("key_id", KeyId), ("revoked_at", RevokedAt.ToString("O")))
        );
}
