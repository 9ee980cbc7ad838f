using System.Net;
using System.Threading.Channels;
using k8s;
using k8s.Autorest;
using k8s.Models;
using Microsoft.Extensions.Logging;

namespace Scheduler.Providers.Kubernetes;

/// <summary>Follows the pods of one cluster tag: a list, then changes after its version, for ever.</summary>
/// <remarks>
/// A watch request ends without notice, and its version expires when the API server compacts its history. So the newest version
/// is carried on, also from bookmarks. After an expiry, or after a silence that is longer than a watch may last, the pods are
/// listed again. The difference to the pods known before is reported as if the changes had arrived.
/// </remarks>
internal sealed partial class PodWatch(
    KubernetesClient client,
    KubernetesOptions options,
    TimeProvider clock,
    ILogger log
)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);

    /// <summary>Writes changes until cancelled. Errors of the API server never end it.</summary>
    internal async Task RunAsync(string cluster, ChannelWriter<PodChange> changes, CancellationToken cancellationToken)
    {
        var selector = KubernetesNames.SelectorOf(cluster);
        var known = new Dictionary<string, V1Pod>(StringComparer.Ordinal);
        var pause = FirstPause;
        string? version = null;
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                version ??= await ListAsync(selector, known, changes, cancellationToken);
                version = await FollowAsync(selector, version, known, changes, cancellationToken);
                pause = FirstPause;
            }
            catch (HttpOperationException exception) when (KubernetesFailures.CodeOf(exception) == HttpStatusCode.Gone)
            {
                LogExpired(cluster);
                version = null;
            }
            catch (Exception exception)
                when (exception is HttpOperationException or HttpRequestException or IOException or TimeoutException)
            {
                // The version is kept: if it has expired meanwhile, the next watch says so.
                LogBroken(exception, cluster, pause);
                await clock.Delay(pause, cancellationToken);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
    }

    private async Task<string> ListAsync(
        string selector,
        Dictionary<string, V1Pod> known,
        ChannelWriter<PodChange> changes,
        CancellationToken cancellationToken
    )
    {
        var (pods, version) = await client.ListPodsWithVersionAsync(selector, cancellationToken);
        var listed = pods.ToDictionary(pod => pod.Metadata.Name, StringComparer.Ordinal);
        foreach (var (name, pod) in known.ToList())
        {
            if (!listed.TryGetValue(name, out var now) || now.Metadata.Uid != pod.Metadata.Uid)
            {
                known.Remove(name);
                changes.TryWrite(new PodChange(pod, IsGone: true));
            }
        }

        foreach (var pod in pods)
        {
            known[pod.Metadata.Name] = pod;
            changes.TryWrite(new PodChange(pod, IsGone: false));
        }

        return version;
    }

    /// <returns>The newest version when the server ended the watch; null if the pods must be listed again.</returns>
    private async Task<string?> FollowAsync(
        string selector,
        string from,
        Dictionary<string, V1Pod> known,
        ChannelWriter<PodChange> changes,
        CancellationToken cancellationToken
    )
    {
        var silence = options.WatchTimeout * 1.5;
        using var silent = new CancellationTokenSource(silence, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(silent.Token, cancellationToken);
        string? version = from;
        var watch = client.WatchPodsAsync(selector, from, OnError, either.Token);
        try
        {
            await foreach (var (type, pod) in watch)
            {
                silent.CancelAfter(silence);
                version = version is null ? null : pod.Metadata?.ResourceVersion ?? version;
                Apply(type, pod, known, changes);
            }
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            LogSilent(selector, silence);
            return null;
        }

        return version;

        // The sequence ends after an error of the stream as if the server had closed it.
        void OnError(Exception exception)
        {
            LogStreamError(exception.Message);
            version = null;
        }
    }

    private static void Apply(
        WatchEventType type,
        V1Pod pod,
        Dictionary<string, V1Pod> known,
        ChannelWriter<PodChange> changes
    )
    {
        if (type is WatchEventType.Added or WatchEventType.Modified)
        {
            known[pod.Metadata!.Name] = pod;
            changes.TryWrite(new PodChange(pod, IsGone: false));
        }
        else if (type == WatchEventType.Deleted)
        {
            known.Remove(pod.Metadata!.Name);
            changes.TryWrite(new PodChange(pod, IsGone: true));
        }
    }

    [LoggerMessage(6407, LogLevel.Information, "The watch of pods of {Cluster} expired; listing them again")]
    private partial void LogExpired(string cluster);

    [LoggerMessage(6408, LogLevel.Warning, "The watch of pods of {Cluster} failed; next try in {Pause}")]
    private partial void LogBroken(Exception exception, string cluster, TimeSpan pause);

    [LoggerMessage(6409, LogLevel.Warning, "The watch of {Selector} was silent for {Silence}; listing the pods again")]
    private partial void LogSilent(string selector, TimeSpan silence);

    [LoggerMessage(6410, LogLevel.Information, "The API server ended the watch of pods: {Words}")]
    private partial void LogStreamError(string words);
}

/// <param name="Pod">Its last known state.</param>
internal readonly record struct PodChange(V1Pod Pod, bool IsGone);
