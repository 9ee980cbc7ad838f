using Scheduler.Domain.Hosts;

namespace Scheduler.Providers.Worker;

/// <summary>What the adapter knows of the hosts themselves.</summary>
internal sealed partial class WorkerProvider
{
    /// <summary>Share of a certificate's validity at which it is renewed.</summary>
    private const double RenewAtShareLeft = 1.0 / 3;

    private static readonly TimeSpan StatusWithin = TimeSpan.FromSeconds(3);

    public async Task<HostStatus> ReadAsync(JoinedHost host, CancellationToken cancellationToken)
    {
        var trust = await _registry.ReadAsync(cancellationToken);
        using var late = new CancellationTokenSource(StatusWithin, _clock);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        try
        {
            var state = await CallAsync(host, trust, client => client.StateAsync(stop.Token));
            return new HostStatus
            {
                Reach = HostReach.Reachable,
                Version = state.Version,
                Gpus = state.Gpus,
                Allocations = state.Allocations,
                Skipped = state.Skipped,
            };
        }
        catch (Exception exception) when (exception is WorkerException || late.IsCancellationRequested)
        {
            var open = await _keys.OpenAsync(host.Name, cancellationToken);
            return new HostStatus
            {
                Reach = _silences.IsLost(host.Name) ? HostReach.Lost : HostReach.Silent,
                Problem =
                    exception is WorkerException
                        ? exception.Message
                        : $"Host {host.Name} does not answer within {StatusWithin}.",
                Allocations = [.. open.Select(entry => entry.Key.Value)],
            };
        }
    }

    private async Task<WorkerOffers?> OffersOfAsync(
        JoinedHost host,
        HostTrust trust,
        CancellationToken cancellationToken
    )
    {
        try
        {
            var offers = await CallAsync(host, trust, client => client.OffersAsync(cancellationToken));
            var left = offers.CertificateUntil - _clock.GetUtcNow();
            if (left < HostAuthority.HostValidity * RenewAtShareLeft)
            {
                await RenewAsync(host, trust, cancellationToken);
            }

            return offers;
        }
        catch (WorkerException)
        {
            return null;
        }
    }

    private async Task RenewAsync(JoinedHost host, HostTrust trust, CancellationToken cancellationToken)
    {
        try
        {
            var client = _clients.Of(host, trust);
            var request = await client.SigningRequestAsync(cancellationToken);
            if (await _registry.RenewAsync(host.Name, request, cancellationToken) is { } certificate)
            {
                await client.SetCertificateAsync(certificate, cancellationToken);
                LogRenewed(host.Name);
            }
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
        {
            LogNotRenewed(exception, host.Name);
        }
    }

    /// <summary>Calls a host, and notes whether it answered.</summary>
    private async Task<T> CallAsync<T>(JoinedHost host, HostTrust trust, Func<WorkerClient, Task<T>> call)
    {
        try
        {
            var answer = await call(_clients.Of(host, trust));
            NoteAnswer(host.Name);
            NoteOffering(host.Name, host.Drain is null);
            return answer;
        }
        catch (WorkerException exception)
        {
            if (exception.IsAnswer)
            {
                NoteAnswer(host.Name);
            }
            else
            {
                NoteFailure(host.Name, exception.Message);
                NoteOffering(host.Name, false);
            }

            throw;
        }
    }

    /// <summary>A host that begins or ceases to offer changes the offers.</summary>
    private void NoteOffering(string host, bool isOffering)
    {
        if (_offering.TryGetValue(host, out var before) ? before != isOffering : isOffering)
        {
            Interlocked.Increment(ref _offersVersion);
        }

        _offering[host] = isOffering;
    }

    private void NoteAnswer(string host)
    {
        if (_silences.Answered(host))
        {
            LogBack(host);
        }
    }

    private void NoteFailure(string host, string why)
    {
        switch (_silences.Failed(host))
        {
            case HostReach.Silent:
                LogSilent(host, why);
                break;
            case HostReach.Lost:
                LogLost(host);
                break;
        }
    }
}
