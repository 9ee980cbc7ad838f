using Scheduler.Domain.Failures;

namespace Scheduler.Domain.Keys;

/// <summary>Why a door refused a key.</summary>
/// <param name="Code">Which failure these facts are about.</param>
public abstract record AuthFacts(FailureCode Code) : FailureFacts(Code);

/// <summary>A request came without an Authorization header.</summary>
public sealed record MissingTokenFacts() : AuthFacts(FailureCode.AuthMissingToken);

/// <summary>A token was read and belongs to no key. Says nothing that would tell a guesser how close the guess was.</summary>
/// <param name="Fault">What is wrong with the header or token.</param>
/// <param name="TokenPrefix">
/// The public first characters of the token (<c>sk-…</c>), when it is well formed; never any of the secret.
/// </param>
public sealed record InvalidTokenFacts(TokenFault Fault, string? TokenPrefix) : AuthFacts(FailureCode.AuthInvalidToken)
{
    /// <inheritdoc/>
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

/// <summary>What is wrong with a token.</summary>
public enum TokenFault
{
    /// <summary>Another scheme than Bearer, or several headers.</summary>
    NotBearer = 1,

    /// <summary>Not of the form of a key.</summary>
    Malformed = 2,

    /// <summary>Well formed, and matches no key.</summary>
    NoMatch = 3,
}

/// <summary>The right token of a key that was revoked.</summary>
/// <param name="KeyId">The key.</param>
/// <param name="RevokedAt">When it was revoked.</param>
public sealed record RevokedTokenFacts(string KeyId, DateTimeOffset RevokedAt) : AuthFacts(FailureCode.AuthRevokedToken)
{
    /// <inheritdoc/>
    protected internal override FailureText Describe() =>
        new(
            $"The key {KeyId} was revoked at {RevokedAt:yyyy-MM-dd'T'HH:mm:ss'Z'}.",
            $"Create a new key and roll it out to all clients that still use {KeyId}.",
            Details(("key_id", KeyId), ("revoked_at", RevokedAt.ToString("O")))
        );
}
