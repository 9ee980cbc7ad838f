using System.Globalization;
using System.Text.Json;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.RunPod;

/// <summary>The calls to RunPod's REST API v2.</summary>
internal sealed class RunPodClient(RunPodOptions options, VendorApi api, TimeProvider clock) : IRental
{
    private const string Pods = "pods";
    private const int LogLines = 2000;

    /// <summary>A log stream never ends; what comes within this time is what there is.</summary>
    private static readonly TimeSpan LogIdle = TimeSpan.FromMilliseconds(700);

    /// <summary>The catalogue for one cloud and one number of GPUs.</summary>
    internal async Task<IReadOnlyList<JsonElement>> ListGpusAsync(
        string cloud,
        int count,
        CancellationToken cancellationToken
    )
    {
        var path = string.Create(
            CultureInfo.InvariantCulture,
            $"catalog/gpus?include=AVAILABILITY&product=POD&count={count}&cloud={cloud}"
        );
        if (options.Countries.Count > 0)
        {
            path += $"&countryCodes={string.Join(',', options.Countries)}";
        }

        if (options.MinCudaVersion is { } cuda)
        {
            path += $"&minCudaVersion={cuda}";
        }

        return (await api.ReadAsync(VendorCall.Get(path, CallKind.Offers), cancellationToken)).List("gpus");
    }

    public async Task<IReadOnlyList<Rented>> ListAsync(CallKind kind, CancellationToken cancellationToken)
    {
        var answer = await api.ReadAsync(VendorCall.Get(Pods, kind), cancellationToken);
        var now = clock.GetUtcNow();
        return [.. answer.List("pods").Select(pod => RunPodMapping.ToRented(pod, options, now)).OfType<Rented>()];
    }

    public async Task<Rented?> GetAsync(string vendorId, CancellationToken cancellationToken)
    {
        var answer = await api.ReadAsync(VendorCall.Get(PathOf(vendorId)), cancellationToken);
        return answer.Status == 404 ? null : RunPodMapping.ToRented(answer.Json(), options, clock.GetUtcNow());
    }

    public Task<AllocateOutcome?> CheckAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(ContainerOf(request).Refusal);
    }

    public RentalNotes NotesOf(AllocationRequest request) => RentalContainer.NotesOf(request);

    public Task EnterCreateAsync(CancellationToken cancellationToken) => api.EnterCreateAsync(cancellationToken);

    public async Task<CreateAnswer> CreateAsync(AllocationRequest request, CancellationToken cancellationToken)
    {
        var (container, offer, _) = ContainerOf(request);
        var body = RunPodMapping.CreateBody(request, offer!, container!, options);
        var call = new VendorCall(HttpMethod.Post, Pods, CallKind.Create, body);
        var answer = await api.SendOnceAsync(call, cancellationToken);
        if (RunPodFailures.RefusalOf(answer) is { } refusal)
        {
            return refusal;
        }

        var pod = answer.Json();
        var made =
            RunPodMapping.ToRented(pod, options, clock.GetUtcNow())
            ?? throw new VendorException("RunPod answered a create request with another pod");
        return RunPodFailures.FaultOf(pod, offer!, request.Offer) is { } fault
            ? CreateAnswer.Refused(RejectionKind.ProviderError, fault, made.Id)
            : CreateAnswer.Of(made);
    }

    public async Task DestroyAsync(string vendorId, CancellationToken cancellationToken)
    {
        // A stopped pod may come back without its GPUs, so nothing is ever stopped.
        var call = new VendorCall(HttpMethod.Delete, PathOf(vendorId), CallKind.Release);
        var answer = await api.ReadAsync(call, cancellationToken);
        if (!answer.IsSuccess && answer.Status != 404)
        {
            throw answer.Failure();
        }
    }

    public Task<string> ReadOutputAsync(Rented rented, CancellationToken cancellationToken) =>
        ReadLogAsync(rented.Id, "container", cancellationToken);

    public async Task<RuntimeExit?> FindBootFaultAsync(Rented rented, CancellationToken cancellationToken) =>
        RunPodFailures.PullFaultOf(await ReadLogAsync(rented.Id, "system", cancellationToken));

    private async Task<string> ReadLogAsync(string pod, string source, CancellationToken cancellationToken)
    {
        var path = string.Create(CultureInfo.InvariantCulture, $"{PathOf(pod)}/logs?source={source}&tail={LogLines}");
        var lines = await api.ReadLinesAsync(
            VendorCall.Get(path, CallKind.Output),
            LogIdle,
            maxLines: 4 * LogLines,
            cancellationToken
        );
        return RunPodMapping.LogText(lines ?? []);
    }

    private static (RuntimeContainer? Container, RunPodOfferId? Offer, AllocateOutcome? Refusal) ContainerOf(
        AllocationRequest request
    )
    {
        if (RunPodOfferId.Read(request.Offer.OfferId) is not { } offer)
        {
            return (null, null, RentalFailures.UnknownOffer(request.Offer.Provider, request.Offer.OfferId));
        }

        var (container, fault) = RentalContainer.Of(request);
        return container is null ? (null, null, RentalFailures.Invalid(fault!))
            : container.Arguments is null
                ? (null, null, RentalFailures.Invalid("RunPod cannot replace the entry point of this image"))
            : (container, offer, null);
    }

    private static string PathOf(string pod) => $"{Pods}/{Uri.EscapeDataString(pod)}";
}
