using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace Scheduler.Host.Tls;

/// <summary>A certificate with its key and chain from PEM files; reloaded when the files change.</summary>
/// <param name="certificatePath">The leaf certificate, then the intermediate certificates.</param>
internal sealed partial class PemFiles(string certificatePath, string keyPath, TimeProvider clock, ILogger logger)
{
    private static readonly TimeSpan CheckEvery = TimeSpan.FromSeconds(10);

    private readonly Lock _looking = new();
    private SslStreamCertificateContext? _current;
    private (DateTime Certificate, DateTime Key) _written;
    private long _checkedAt;

    /// <summary>The certificate to present now. Checks the files for changes at most every 10 s.</summary>
    public SslStreamCertificateContext Current
    {
        get
        {
            lock (_looking)
            {
                if (_current is null)
                {
                    Read();
                }
                else if (clock.GetElapsedTime(_checkedAt) >= CheckEvery)
                {
                    TryRenew(_current);
                }

                return _current!;
            }
        }
    }

    /// <summary>Why the files are not a certificate with its key; null if they are.</summary>
    public static string? FaultOfPair(string certificatePath, string keyPath) =>
        FaultOf(() => X509Certificate2.CreateFromPemFile(certificatePath, keyPath).Dispose());

    /// <summary>Why the file holds no certificates; null if it does.</summary>
    public static string? FaultOfAuthority(string path) =>
        FaultOf(() =>
        {
            if (Authority(path).Count == 0)
            {
                throw new CryptographicException("It holds no certificate.");
            }
        });

    public static X509Certificate2Collection Authority(string path)
    {
        var authority = new X509Certificate2Collection();
        authority.ImportFromPemFile(path);
        return authority;
    }

    private static string? FaultOf(Action read)
    {
        try
        {
            read();
            return null;
        }
        catch (Exception exception)
            when (exception is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException
            )
        {
            return exception.Message;
        }
    }

    private void Read()
    {
        _checkedAt = clock.GetTimestamp();
        var written = (File.GetLastWriteTimeUtc(certificatePath), File.GetLastWriteTimeUtc(keyPath));
        var leaf = X509Certificate2.CreateFromPemFile(certificatePath, keyPath);
        var chain = Authority(certificatePath);
        _current = SslStreamCertificateContext.Create(leaf, chain, offline: true);
        _written = written;
    }

    private void TryRenew(SslStreamCertificateContext old)
    {
        try
        {
            _checkedAt = clock.GetTimestamp();
            if (_written != (File.GetLastWriteTimeUtc(certificatePath), File.GetLastWriteTimeUtc(keyPath)))
            {
                Read();
                LogRenewed(certificatePath);
            }
        }
        catch (Exception exception)
            when (exception is CryptographicException or ArgumentException or IOException or UnauthorizedAccessException
            )
        {
            // A renewal may be half written. The old certificate stays in use until the files are valid, or until it
            // expires.
            LogUnreadable(exception, certificatePath);
            _current = old;
        }
    }

    [LoggerMessage(4201, LogLevel.Information, "Reloaded certificate {Path}; new connections use it")]
    private partial void LogRenewed(string path);

    [LoggerMessage(4202, LogLevel.Error, "Cannot reload certificate {Path}; keeping the previous one")]
    private partial void LogUnreadable(Exception exception, string path);
}
