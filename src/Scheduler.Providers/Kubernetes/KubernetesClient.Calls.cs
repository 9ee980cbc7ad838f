using System.Net;
using System.Text.Json;
using k8s;
using k8s.Autorest;
using k8s.Exceptions;
using k8s.Models;
using YamlDotNet.Core;

namespace Scheduler.Providers.Kubernetes;

/// <summary>What all calls have in common: the time limit, chunks of lists, and answers that are no errors.</summary>
internal sealed partial class KubernetesClient
{
    private static readonly TimeSpan ReloadEvery = TimeSpan.FromSeconds(30);

    private static V1Patch Annotating(string annotation, string value) =>
        new(
            JsonSerializer.Serialize(
                new
                {
                    metadata = new
                    {
                        annotations = new Dictionary<string, string>(StringComparer.Ordinal) { [annotation] = value },
                    },
                }
            ),
            V1Patch.PatchType.MergePatch
        );

    private async Task<T?> FindAsync<T>(Func<CancellationToken, Task<T>> read, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await CallAsync(read, cancellationToken);
        }
        catch (HttpOperationException exception) when (KubernetesFailures.CodeOf(exception) == HttpStatusCode.NotFound)
        {
            return null;
        }
    }

    private async Task<T?> CreateAsync<T>(Func<CancellationToken, Task<T>> create, CancellationToken cancellationToken)
        where T : class
    {
        try
        {
            return await CallAsync(create, cancellationToken);
        }
        catch (HttpOperationException exception) when (KubernetesFailures.CodeOf(exception) == HttpStatusCode.Conflict)
        {
            return null;
        }
    }

    private async Task DeleteAsync<T>(Func<CancellationToken, Task<T>> delete, CancellationToken cancellationToken)
    {
        try
        {
            await CallAsync(delete, cancellationToken);
        }
        catch (HttpOperationException exception)
            when (KubernetesFailures.CodeOf(exception) is HttpStatusCode.NotFound or HttpStatusCode.Conflict)
        {
            // Gone, or another object has its name now: there is nothing left to delete. The caller reads what remains.
        }
    }

    /// <summary>All chunks of a list. A list whose continuation expired is read once more from its beginning.</summary>
    private async Task<List<TItem>> ListAsync<TList, TItem>(
        Func<string?, CancellationToken, Task<TList>> page,
        CancellationToken cancellationToken
    )
        where TList : IKubernetesObject<V1ListMeta>, IItems<TItem>
    {
        var hasExpired = false;
        while (true)
        {
            var items = new List<TItem>();
            string? more = null;
            try
            {
                do
                {
                    var chunk = await CallAsync(late => page(more, late), cancellationToken);
                    items.AddRange(chunk.Items);
                    more = chunk.Metadata.ContinueProperty;
                } while (!string.IsNullOrEmpty(more));

                return items;
            }
            catch (HttpOperationException exception)
                when (!hasExpired && KubernetesFailures.CodeOf(exception) == HttpStatusCode.Gone)
            {
                hasExpired = true;
            }
        }
    }

    private async Task<T> CallAsync<T>(Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        var api = _api;
        using var limit = Limit(cancellationToken);
        try
        {
            return await call(limit.Token);
        }
        catch (HttpOperationException exception)
            when (KubernetesFailures.CodeOf(exception) == HttpStatusCode.Unauthorized && Reload(api))
        {
            return await call(limit.Token);
        }
        catch (OperationCanceledException exception) when (!cancellationToken.IsCancellationRequested)
        {
            throw new TimeoutException(
                $"The API server of '{_options.Id}' did not answer within {_options.CallTimeout}.",
                exception
            );
        }
    }

    /// <summary>Reads the credentials again after they were refused: an operator may have replaced the file.</summary>
    /// <param name="refused">Client whose credentials were refused.</param>
    /// <returns>Whether another client is in use now.</returns>
    private bool Reload(k8s.Kubernetes refused)
    {
        lock (_gate)
        {
            var now = _clock.GetUtcNow();
            if (!ReferenceEquals(refused, _api) || now - _reloadedAt < ReloadEvery)
            {
                return !ReferenceEquals(refused, _api);
            }

            _reloadedAt = now;
            try
            {
                var next = Load();
                // Calls that run may still use the one before.
                _retired?.Dispose();
                (_retired, _api) = (_api, next);
                return true;
            }
            catch (Exception exception) when (exception is KubeConfigException or IOException or YamlException)
            {
                // A file that is being replaced is read again after the next refusal; the refusal itself goes to the caller.
                return false;
            }
        }
    }

    private k8s.Kubernetes Load()
    {
        var access = AccessOf(_options);
        // The client's own timeout would also end watches; each call has its own limit instead.
        access.HttpClientTimeout = Timeout.InfiniteTimeSpan;
        return new k8s.Kubernetes(access);
    }

    private CallLimit Limit(CancellationToken cancellationToken) =>
        new(_options.CallTimeout, _clock, cancellationToken);

    private sealed class CallLimit : IDisposable
    {
        private readonly CancellationTokenSource _late;
        private readonly CancellationTokenSource _either;

        internal CallLimit(TimeSpan limit, TimeProvider clock, CancellationToken cancellationToken)
        {
            _late = new CancellationTokenSource(limit, clock);
            _either = CancellationTokenSource.CreateLinkedTokenSource(_late.Token, cancellationToken);
        }

        internal CancellationToken Token => _either.Token;

        public void Dispose()
        {
            _either.Dispose();
            _late.Dispose();
        }
    }
}
