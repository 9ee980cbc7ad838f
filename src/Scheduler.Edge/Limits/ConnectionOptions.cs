using System.ComponentModel.DataAnnotations;
using Scheduler.Domain.Settings;

namespace Scheduler.Edge.Limits;

/// <summary>Connections to the HTTP and gRPC ports of this process; configuration section <c>Connections</c>.</summary>
public sealed class ConnectionOptions : ICheckedSettings
{
    public const string Section = "Connections";

    private const int MostOfAll = 1_000_000;

    /// <summary>File descriptors for everything else: files, silos, the database, probes.</summary>
    private const int OwnDescriptors = 512;

    /// <summary>Buffers of one connection, bytes in and out.</summary>
    private const int BytesOfOne = 2 * BufferBytes;

    private const int Fewest = 16;
    private const int MostByDefault = 20_000;

    /// <summary>
    /// Bytes that the server reads ahead of a request, and that wait for a slow reader of an answer. Headers must fit.
    /// </summary>
    internal const int BufferBytes = 32 * 1024;

    /// <summary>Open connections of all addresses, 16 to 1,000,000; 0 computes it.</summary>
    /// <value>
    /// 0: half of the file descriptors of the process less 512, since a request needs a connection to its runtime too;
    /// as many as a tenth of its memory can buffer; at most 20,000.
    /// </value>
    [Range(0, MostOfAll)]
    public int Most { get; set; }

    /// <summary>
    /// Open connections of one address (IPv6: of one /64), up to 1,000,000; 0 is half of all. Set it to <c>Most</c> if
    /// every connection comes through one proxy.
    /// </summary>
    [Range(0, MostOfAll)]
    public int MostPerAddress { get; set; }

    /// <summary>How long a connection may be open without a request, 5 s to 1 h.</summary>
    /// <value>2 min: longer than proxies and clients keep one.</value>
    [DurationRange("00:00:05", "01:00:00")]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>How long the headers of a request may take, 1 s to 5 min.</summary>
    /// <value>15 s</value>
    [DurationRange("00:00:01", "00:05:00")]
    public TimeSpan HeadersTimeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <summary>
    /// Lowest average rate of a body that arrives and of an answer that is read, bytes a second, after 10 s; up to 1 MiB.
    /// A slower connection is closed. Pauses of a stream do not count.
    /// </summary>
    /// <value>4,096: a body of 4 MiB holds its memory for at most 17 minutes.</value>
    [Range(1, 1024 * 1024)]
    public int SlowestBytesPerSecond { get; set; } = 4096;

    /// <summary>Connections of all addresses.</summary>
    /// <param name="descriptors">File descriptors that the process may open; null if unknown.</param>
    /// <param name="memory">Memory of the process, bytes.</param>
    internal int MostOf(long? descriptors, long memory)
    {
        const int connectionsOfRequest = 2;
        const int partForBuffers = 10;
        if (Most > 0)
        {
            return Most;
        }

        var byDescriptors = ((descriptors ?? long.MaxValue) - OwnDescriptors) / connectionsOfRequest;
        var byMemory = memory / partForBuffers / BytesOfOne;
        return (int)Math.Clamp(Math.Min(byDescriptors, byMemory), Fewest, MostByDefault);
    }

    /// <inheritdoc/>
    public IEnumerable<SettingFault> Check(string section)
    {
        if (Most is > 0 and < Fewest)
        {
            yield return new SettingFault($"{section}:{nameof(Most)}", Most, $"0, or {Fewest} to {MostOfAll}");
        }

        if (Most > 0 && MostPerAddress > Most)
        {
            yield return new SettingFault(
                $"{section}:{nameof(MostPerAddress)}",
                MostPerAddress,
                $"0 to {nameof(Most)}, {Most}"
            );
        }
    }
}
