using Scheduler.Domain.Settings;

namespace Scheduler.Host.Tls;

/// <summary>
/// Certificates as PEM files; section <c>Host:Tls</c>. A changed file is reloaded, so that a renewal needs no restart.
/// </summary>
internal sealed class TlsOptions : ICheckedSettings
{
    /// <summary>Certificate and intermediate certificates of the HTTP and gRPC ports; null for no TLS.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>Its private key, unencrypted.</summary>
    public string? KeyPath { get; set; }

    /// <summary>TLS between silos, and from <c>doors</c> processes to silos.</summary>
    public SiloTlsOptions Silo { get; set; } = new();

    public bool IsSet => CertificatePath is not null;

    public IEnumerable<SettingFault> Check(string section) => CheckPair(section, CertificatePath, KeyPath);

    internal static IEnumerable<SettingFault> CheckPair(string section, string? certificate, string? key)
    {
        if (certificate is null && key is null)
        {
            yield break;
        }

        if (certificate is null || key is null)
        {
            yield return new SettingFault(
                $"{section}:{(certificate is null ? nameof(CertificatePath) : nameof(KeyPath))}",
                null,
                "a PEM file, since a certificate goes with its key"
            );
        }
        else if (PemFiles.FaultOfPair(certificate, key) is { } fault)
        {
            yield return new SettingFault(
                $"{section}:{nameof(CertificatePath)}",
                certificate,
                $"a PEM file that goes with {nameof(KeyPath)}: {fault}"
            );
        }
    }
}

/// <summary>
/// Mutual TLS of the silos; section <c>Host:Tls:Silo</c>. Every certificate of the authority is accepted, whatever its
/// name. The authority must therefore serve this cluster only.
/// </summary>
internal sealed class SiloTlsOptions : ICheckedSettings
{
    /// <summary>Certificate of this process; null for connections without TLS.</summary>
    public string? CertificatePath { get; set; }

    /// <summary>Its private key, unencrypted.</summary>
    public string? KeyPath { get; set; }

    /// <summary>The authority whose certificates are accepted.</summary>
    public string? CaPath { get; set; }

    public bool IsSet => CertificatePath is not null;

    public IEnumerable<SettingFault> Check(string section) =>
        TlsOptions.CheckPair(section, CertificatePath, KeyPath).Concat(CheckAuthority(section));

    private IEnumerable<SettingFault> CheckAuthority(string section)
    {
        if (CaPath is null)
        {
            if (CertificatePath is not null)
            {
                yield return new SettingFault(
                    $"{section}:{nameof(CaPath)}",
                    null,
                    "a PEM file of the authority all silos trust",
                    "with a certificate"
                );
            }

            yield break;
        }

        if (CertificatePath is null)
        {
            yield return new SettingFault(
                $"{section}:{nameof(CertificatePath)}",
                null,
                "a PEM file",
                $"with {nameof(CaPath)}"
            );
        }

        if (PemFiles.FaultOfAuthority(CaPath) is { } fault)
        {
            yield return new SettingFault(
                $"{section}:{nameof(CaPath)}",
                CaPath,
                $"a PEM file of certificates: {fault}"
            );
        }
    }
}
