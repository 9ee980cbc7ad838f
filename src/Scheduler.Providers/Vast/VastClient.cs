using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Runtimes;
using Scheduler.Providers.Http;

namespace Scheduler.Providers.Vast;

/// <summary>The calls to Vast's API.</summary>
internal sealed class VastClient(VastOptions options, VendorApi api, IHttpClientFactory http, TimeProvider clock)
    : IRental
{
    internal const string LogClientName = "Vast-logs";

    private const int PageSize = 25;
    private const int LogLines = 2000;
    private const int MaxLogBytes = 4 << 20;

    /// <summary>A log is uploaded to a store first, which takes about nine seconds.</summary>
    private static readonly TimeSpan LogWithin = TimeSpan.FromSeconds(15);

    private static readonly TimeSpan LogPause = TimeSpan.FromSeconds(1.5);

    internal async Task<IReadOnlyList<JsonElement>> SearchAsync(bool isBid, CancellationToken cancellationToken)
    {
        var body = VastMapping.SearchBody(options, isBid);
        var call = new VendorCall(HttpMethod.Post, "v0/bundles/", CallKind.Offers, body);
        return (await api.ReadAsync(call, cancellationToken)).List("offers");
    }

    public async Task<IReadOnlyList<Rented>> ListAsync(CallKind kind, CancellationToken cancellationToken)
    {
        var all = await Paging.ReadAllAsync(
            VastSetup.Vendor,
            async cursor =>
            {
                var after = cursor is null ? "" : $"&after_token={Uri.EscapeDataString(cursor)}";
                var path = string.Create(CultureInfo.InvariantCulture, $"v1/instances/?limit={PageSize}{after}");
                var answer = await api.ReadAsync(VendorCall.Get(path, kind), cancellationToken);
                return (answer.List("instances"), answer.Json().Text("next_token"));
            }
        );
        var now = clock.GetUtcNow();
        return [.. all.Select(instance => VastMapping.ToRented(instance, options, now)).OfType<Rented>()];
    }

    public async Task<Rented?> GetAsync(string vendorId, CancellationToken cancellationToken)
    {
        var answer = await api.ReadAsync(VendorCall.Get(PathOf(vendorId)), cancellationToken);
        if (answer.Status == 404)
        {
            return null;
        }

        // One instance stands under the name of the list, and is null when it is gone.
        return answer.Json().Member("instances") is { ValueKind: JsonValueKind.Object } instance
            ? VastMapping.ToRented(instance, options, clock.GetUtcNow())
            : null;
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
        var path = string.Create(CultureInfo.InvariantCulture, $"v0/asks/{offer!.Ask}/");
        var body = VastMapping.CreateBody(request, offer, container!, options);
        var answer = await api.SendOnceAsync(
            new VendorCall(HttpMethod.Put, path, CallKind.Create, body),
            cancellationToken
        );
        var (refusal, made) = VastFailures.OutcomeOf(answer);
        return refusal
            ?? CreateAnswer.Of(
                new Rented
                {
                    Id = made!,
                    Mark = AllocationMark.Read(body["label"]!.GetValue<string>())!,
                    State = RentedState.Coming,
                    SeenAt = clock.GetUtcNow(),
                }
            );
    }

    public async Task DestroyAsync(string vendorId, CancellationToken cancellationToken)
    {
        var call = new VendorCall(HttpMethod.Delete, PathOf(vendorId), CallKind.Release);
        var answer = await api.ReadAsync(call, cancellationToken);
        if (!VastFailures.IsGone(answer))
        {
            throw answer.Failure();
        }
    }

    public Task<string> ReadOutputAsync(Rented rented, CancellationToken cancellationToken) =>
        ReadLogAsync(rented.Id, isHostLog: false, cancellationToken);

    public async Task<RuntimeExit?> FindBootFaultAsync(Rented rented, CancellationToken cancellationToken)
    {
        var exit = new RuntimeExit { OutputTail = await ReadLogAsync(rented.Id, isHostLog: true, cancellationToken) };
        return ExitDiagnosis.Diagnose(exit, wasServing: false) == Domain.Failures.FailureCode.ImagePullFailed
            ? exit
            : null;
    }

    private async Task<string> ReadLogAsync(string instance, bool isHostLog, CancellationToken cancellationToken)
    {
        var body = new JsonObject { ["tail"] = LogLines.ToString(CultureInfo.InvariantCulture) };
        if (isHostLog)
        {
            body["daemon_logs"] = "true";
        }

        var path = $"v0/instances/request_logs/{Uri.EscapeDataString(instance)}";
        var answer = await api.ReadAsync(
            new VendorCall(HttpMethod.Put, path, CallKind.Output, body),
            cancellationToken
        );
        return answer.IsSuccess && AddressOf(answer.Json().Text("result_url")) is { } address
            ? await FetchAsync(address, cancellationToken)
            : "";
    }

    /// <summary>Reads the uploaded log, without the API key. Empty when it does not come in time.</summary>
    private async Task<string> FetchAsync(Uri address, CancellationToken cancellationToken)
    {
        var begun = clock.GetUtcNow();
        while (true)
        {
            if (await TryFetchAsync(address, cancellationToken) is { } log)
            {
                return VastMapping.LogText(log);
            }

            if (clock.GetUtcNow() - begun >= LogWithin)
            {
                return "";
            }

            await clock.Delay(LogPause, cancellationToken);
        }
    }

    private async Task<string?> TryFetchAsync(Uri address, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(options.CallTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        using var client = http.CreateClient(LogClientName);
        client.MaxResponseContentBufferSize = MaxLogBytes;
        try
        {
            using var answer = await client.GetAsync(address, either.Token);
            return answer.IsSuccessStatusCode ? await answer.Content.ReadAsStringAsync(either.Token) : null;
        }
        catch (Exception e)
            when (e is HttpRequestException
                || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)
            )
        {
            // Not there yet, or too long; a log is no reason to fail.
            return null;
        }
    }

    /// <summary>The vendor's address of a log; null unless it is encrypted, or on the host of the API.</summary>
    private Uri? AddressOf(string? text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var address)
        && (address.Scheme == Uri.UriSchemeHttps || address.Authority == new Uri(options.BaseUrl).Authority)
            ? address
            : null;

    private static (RuntimeContainer? Container, VastOfferId? Offer, AllocateOutcome? Refusal) ContainerOf(
        AllocationRequest request
    )
    {
        if (VastOfferId.Read(request.Offer.OfferId) is not { } offer)
        {
            return (null, null, RentalFailures.UnknownOffer(request.Offer.Provider, request.Offer.OfferId));
        }

        var (container, fault) = RentalContainer.Of(request);
        return container is null ? (null, null, RentalFailures.Invalid(fault!))
            : container.Arguments is not { } arguments
                ? (null, null, RentalFailures.Invalid("Vast cannot replace the entry point of this image"))
            : arguments.Sum(word => word.Length + 1) > VastMapping.MaxArgumentChars
                ? (
                    null,
                    null,
                    RentalFailures.Invalid($"Vast takes at most {VastMapping.MaxArgumentChars} characters of arguments")
                )
            : (container, offer, null);
    }

    private static string PathOf(string instance) => $"v0/instances/{Uri.EscapeDataString(instance)}/";
}
