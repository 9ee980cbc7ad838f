namespace Scheduler.Host.Tls;

/// <summary>Certificates, PEM files all; section <c>Host:Tls</c>. Read again when they change, so that renewing one needs no restart.</summary>
internal sealed class TlsOptions
{
    /// <summary>The certificate, and those between it and its root, with which both doors speak TLS; null for none.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>Its private key, not encrypted.</summary>
    public string? KeyPath { get; set; }

    /// <summary>Between silos, and from doors to silos.</summary>
    public SiloTlsOptions Silo { get; set; } = new();

    /// <summary>Whether the doors speak TLS.</summary>
    public bool IsSet => CertificatePath is not null;

    /// <summary>Every fault, with the setting's full path, the value seen and what is accepted.</summary>
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
/// Mutual TLS of the silos; section <c>Host:Tls:Silo</c>. Whoever shows a certificate of the authority is let in, whatever its name says:
/// the authority must be the cluster's own.
/// </summary>
internal sealed class SiloTlsOptions
{
    /// <summary>This process's certificate; null for connections without TLS.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>Its private key, not encrypted.</summary>
    public string? KeyPath { get; set; }

    /// <summary>The authority whose certificates are let in.</summary>
    public string? CaPath { get; set; }

    /// <summary>Whether silos speak TLS.</summary>
    public bool IsSet => CertificatePath is not null;
}
