using System.Buffers.Binary;
using System.Collections.Immutable;
using Scheduler.Domain.Models;
using Scheduler.ModelFit;

namespace Scheduler.Providers.Hub;

/// <summary>Reads what describes a model from a hub with the API of Hugging Face.</summary>
/// <remarks>
/// All files are read at the commit that the listing names, so a push meanwhile cannot mix two revisions. Source of the API:
/// huggingface.co/docs/hub/api, and <c>hf_api.py</c> of huggingface_hub.
/// </remarks>
internal sealed class HubClient(IHttpClientFactory http, HubOptions options, TimeProvider clock) : IModelHub
{
    internal const string ClientName = "model-hub";

    private const int LongestListing = 16 << 20;
    private const int LongestConfig = 4 << 20;
    private const int FirstRead = 256 << 10;

    /// <summary>What a registration reads of one kind of file together.</summary>
    private const int LongestHeaders = WeightFiles.MaxBytes;

    public async Task<HubReading> ReadAsync(HubRequest request, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(options.Timeout, clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using var client = http.CreateClient(ClientName);
        try
        {
            var hub = new HubConnection(client, options.Address, request.Token);
            return HubReading.Of(await ReadAsync(hub, request, stop.Token));
        }
        catch (HubException exception)
        {
            return HubReading.Refused(exception.Refusal);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return HubReading.Refused(
                new HubRefusal(HubCause.Unreachable, $"no complete answer within {options.Timeout.TotalSeconds:0} s.")
            );
        }
    }

    private static async Task<HubFiles> ReadAsync(HubConnection hub, HubRequest request, CancellationToken stop)
    {
        var listing = await ListAsync(hub, request, stop);
        if (listing.IsDisabled)
        {
            throw new HubException(HubCause.Disabled, "the repository is disabled.");
        }

        var (choice, refusal) = HubFileChoice.Of(listing.Files, request.File);
        if (choice is null)
        {
            throw new HubException(refusal!);
        }

        var files = new HubFiles(listing.Commit) { License = listing.License };
        return choice.IsGguf
            ? await ReadGgufAsync(hub, request, choice, files, stop)
            : await ReadConfigAsync(hub, request, choice, files, stop);
    }

    private static async Task<HubListing> ListAsync(HubConnection hub, HubRequest request, CancellationToken stop)
    {
        var path = $"api/models/{request.Repository}";
        path += request.Revision is { } revision ? $"/revision/{Uri.EscapeDataString(revision)}" : "";
        var (bytes, hasMore) = await hub.ReadAsync(path, LongestListing, stop);
        return (hasMore ? null : HubListing.Parse(bytes))
            ?? throw new HubException(HubCause.Unreachable, "its answer is no list of files.");
    }

    private static async Task<HubFiles> ReadConfigAsync(
        HubConnection hub,
        HubRequest request,
        HubFileChoice choice,
        HubFiles files,
        CancellationToken stop
    )
    {
        files = files with
        {
            ConfigJson = await WholeAsync(choice.Config!, LongestConfig),
            QuantizationJson = choice.Quantization is { } quantization
                ? await WholeAsync(quantization, LongestConfig)
                : null,
            WeightsIndex = choice.Index is { } index ? await WholeAsync(index, WeightFiles.MaxBytes) : null,
        };
        var headers = ImmutableArray.CreateBuilder<byte[]>();
        foreach (var file in choice.Weights)
        {
            headers.Add(await SafetensorsHeaderAsync(hub, PathOf(request, files.Commit, file), stop));
            RequireBounded(headers.Sum(header => (long)header.Length), "the headers of its safetensors files");
        }

        return files with
        {
            WeightsHeaders = headers.ToImmutable(),
        };

        async Task<byte[]> WholeAsync(string file, int most)
        {
            var (bytes, hasMore) = await hub.ReadAsync(PathOf(request, files.Commit, file), most, stop);
            return hasMore
                ? throw new HubException(HubCause.Unsupported, $"{file} is longer than {most} bytes.")
                : bytes;
        }
    }

    private static async Task<byte[]> SafetensorsHeaderAsync(HubConnection hub, string path, CancellationToken stop)
    {
        var (bytes, hasMore) = await hub.ReadAsync(path, FirstRead, stop);
        if (bytes.Length < 8 || !hasMore)
        {
            return bytes;
        }

        var length = BinaryPrimitives.ReadUInt64LittleEndian(bytes);
        if (length > LongestHeaders - 8)
        {
            throw new HubException(HubCause.Unsupported, $"the header of a safetensors file has {length} bytes.");
        }

        var whole = (int)length + 8;
        return whole <= bytes.Length ? bytes[..whole] : (await hub.ReadAsync(path, whole, stop)).Bytes;
    }

    private static async Task<HubFiles> ReadGgufAsync(
        HubConnection hub,
        HubRequest request,
        HubFileChoice choice,
        HubFiles files,
        CancellationToken stop
    )
    {
        var heads = ImmutableArray.CreateBuilder<byte[]>();
        foreach (var part in choice.Weights)
        {
            heads.Add(await GgufHeadAsync(hub, PathOf(request, files.Commit, part), stop));
            RequireBounded(heads.Skip(1).Sum(head => (long)head.Length), "the headers of its parts");
        }

        return files with
        {
            GgufHeader = heads[0],
            GgufParts = heads.ToImmutable()[1..],
            Quantization = choice.GgufTag,
        };
    }

    /// <summary>Reads more until the tensor table is complete; the table says only at its end where it ends.</summary>
    private static async Task<byte[]> GgufHeadAsync(HubConnection hub, string path, CancellationToken stop)
    {
        for (long size = FirstRead; ; )
        {
            var (bytes, hasMore) = await hub.ReadAsync(path, (int)size, stop);
            var refusal = GgufHeader.Parse("", bytes).Refusal;
            if (!hasMore || size == LongestHeaders || refusal?.Kind != ModelRefusalKind.NeedMoreBytes)
            {
                return bytes;
            }

            size = Math.Min(LongestHeaders, Math.Max(size * 4, refusal.BytesNeeded ?? 0));
        }
    }

    private static void RequireBounded(long bytes, string what)
    {
        if (bytes > LongestHeaders)
        {
            throw new HubException(HubCause.Unsupported, $"{what} have more than {LongestHeaders} bytes.");
        }
    }

    private static string PathOf(HubRequest request, string commit, string file) =>
        $"{request.Repository}/resolve/{commit}/{string.Join('/', file.Split('/').Select(Uri.EscapeDataString))}";
}
