namespace Scheduler.Host.Tls;

/// <summary>
/// Certificates as PEM files; section <c>Host:Tls</c>. A changed file is reloaded, so that a renewal needs no restart.
/// </summary>
internal sealed class TlsOptions
{
    /// <summary>Certificate and intermediate certificates of the HTTP and gRPC ports; null for no TLS.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>Its private key, unencrypted.</summary>
    public string? KeyPath { get; set; }

    /// <summary>TLS between silos, and from <c>doors</c> processes to silos.</summary>
    public SiloTlsOptions Silo { get; set; } = new();

    public bool IsSet => CertificatePath is not null;

    public IEnumerable<string> Faults(string section) =>
        [
            .. PairFaults(section, CertificatePath, KeyPath),
            .. PairFaults($"{section}:{nameof(Silo)}", Silo.CertificatePath, Silo.KeyPath),
            .. CaFaults($"{section}:{nameof(Silo)}"),
        ];

    private IEnumerable<string> CaFaults(string section)
    {
        if (Silo.CaPath is not { } path)
        {
            if (Silo.CertificatePath is not null)
            {
                yield return $"{section}:{nameof(Silo.CaPath)} is ''; accepted with a certificate: a PEM file of the authority all silos trust";
            }

            yield break;
        }

        if (Silo.CertificatePath is null)
        {
            yield return $"{section}:{nameof(Silo.CertificatePath)} is ''; accepted with {nameof(Silo.CaPath)}: a PEM file";
        }

        if (PemFiles.FaultOfAuthority(path) is { } fault)
        {
            yield return $"{section}:{nameof(Silo.CaPath)} is '{path}'; accepted: a PEM file of certificates: {fault}";
        }
    }

    private static IEnumerable<string> PairFaults(string section, string? certificate, string? key)
    {
        if (certificate is null && key is null)
        {
            yield break;
        }

        if (certificate is null || key is null)
        {
            var missing = certificate is null ? nameof(CertificatePath) : nameof(KeyPath);
            yield return $"{section}:{missing} is ''; accepted: a PEM file, since a certificate goes with its key";
        }
        else if (PemFiles.FaultOfPair(certificate, key) is { } fault)
        {
            yield return $"{section}:{nameof(CertificatePath)} is '{certificate}'; accepted: a PEM file that goes with {nameof(KeyPath)}: {fault}";
        }
    }
}

/// <summary>
/// Mutual TLS of the silos; section <c>Host:Tls:Silo</c>. Every certificate of the authority is accepted, whatever its
/// name. The authority must therefore serve this cluster only.
/// </summary>
internal sealed class SiloTlsOptions
{
    /// <summary>Certificate of this process; null for connections without TLS.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>Its private key, unencrypted.</summary>
    public string? KeyPath { get; set; }

    /// <summary>The authority whose certificates are accepted.</summary>
    public string? CaPath { get; set; }

    public bool IsSet => CertificatePath is not null;
}
