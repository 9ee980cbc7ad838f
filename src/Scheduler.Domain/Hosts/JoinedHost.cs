using Scheduler.Domain.Providers;

namespace Scheduler.Domain.Hosts;

/// <summary>A GPU host that joined with a token. Its worker answers at <see cref="Address"/> with the certificate that it got.</summary>
[GenerateSerializer, Immutable, Alias("scheduler.JoinedHost")]
public sealed record JoinedHost
{
    /// <summary>Unique; part of offers and of its certificate. See <see cref="HostNames"/>.</summary>
    [Id(0)]
    public string Name { get; init; } = "";

    /// <summary>Base address of its worker's API, with the scheme https.</summary>
    [Id(1)]
    public string Address { get; init; } = "";

    /// <summary>SHA-256 of the public key that its certificate was signed for, lower-case hexadecimal.</summary>
    [Id(2)]
    public string KeyFingerprint { get; init; } = "";

    [Id(3)]
    public DateTimeOffset JoinedAt { get; init; }

    /// <summary>The token with which it joined.</summary>
    [Id(4)]
    public string TokenId { get; init; } = "";

    /// <summary>Until when the last certificate is valid.</summary>
    [Id(5)]
    public DateTimeOffset CertificateUntil { get; init; }

    /// <summary>Who took it out of placement, when and why; null while in placement.</summary>
    [Id(6)]
    public DrainOrder? Drain { get; init; }
}
