using System.Collections.Immutable;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Scheduler.Dashboard.Events;
using Scheduler.Domain.Events;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Edge.Requests;
using Scheduler.Grains;

namespace Scheduler.Dashboard.Requests;

/// <summary>Serves the support bundle of a request as a file download.</summary>
internal sealed class BundleEndpoint(
    IGrainFactory grains,
    RequestLog log,
    AccountId? accessScope,
    CancellationToken cancellationToken
)
{
    /// <summary>Most subjects of one kind whose current state is read; a request touches only a few.</summary>
    private const int MostSubjects = 100;

    /// <summary>Most events of one timeline: more than an instance collects in months.</summary>
    private const int MostTimeline = 10_000;

    private const int AtOnce = 1000;

    public static IEndpointConventionBuilder MapTo(IEndpointRouteBuilder pages) =>
        pages.MapGet(
            "/requests/{id}/bundle",
            async (string id, HttpContext http, IGrainFactory grains, RequestLog log, TimeProvider clock) =>
            {
                var caller = http.Scope().Caller!;
                var bundle = await new BundleEndpoint(grains, log, caller.Account, http.RequestAborted).MakeAsync(
                    id,
                    clock.GetUtcNow()
                );
                return Results.File(bundle.ToJson(), "application/json", $"support-{id}.json");
            }
        );

    /// <summary>Collects the bundle within the caller's access scope.</summary>
    /// <exception cref="ApiException">The id has neither answers nor events in the access scope.</exception>
    private async Task<SupportBundle> MakeAsync(string id, DateTimeOffset now)
    {
        var (answers, events) = await TraceReading.ReadAsync(log, grains, id, accessScope, cancellationToken);
        if (events.IsEmpty && answers.IsEmpty)
        {
            throw new ApiException(ApiError.NotFound($"Request {id}"));
        }

        var subjects = events.Select(row => row.Subject).Distinct().ToList();
        var instances = await SeenAsync(
            InstancesOf(subjects).Concat(answers.SelectMany(answer => answer.Attempts).Select(tried => tried.Instance)),
            instance => grains.Instance(instance).GetAsync(accessScope)
        );
        var accounts = Of(subjects, "account")
            .Select(subject => new AccountId(subject.Id))
            .Concat(instances.Select(instance => instance.Account));
        return new SupportBundle
        {
            RequestId = id,
            SchedulerVersion = ProductVersion.Full,
            MadeAt = now,
            MadeFor = accessScope?.Value ?? "operator",
            Answers = [.. answers.Select(AnswerPart.Of)],
            Events = [.. events.Select(row => EventPart.Of(row.Event, row.Subject))],
            Instances = [.. await Task.WhenAll(instances.Select(WithTimelineAsync))],
            Accounts = [.. await SeenAsync(accounts, account => grains.Account(account).GetAsync(accessScope))],
            Providers = await ProvidersAsync(subjects, instances),
            Balancers =
            [
                .. (
                    await SeenAsync(
                        Of(subjects, "balancer"),
                        subject => grains.Balancer(new BalancerId(subject.Id)).GetAsync(accessScope)
                    )
                ).Select(BalancerPart.Of),
            ],
            Keys =
            [
                .. (
                    await SeenAsync(Of(subjects, "key"), subject => grains.Key(subject.Id).GetAsync(accessScope))
                ).Select(KeyPart.Of),
            ],
        };
    }

    private static IEnumerable<EventSubject> Of(IEnumerable<EventSubject> subjects, string kind) =>
        subjects.Where(subject => subject.Kind == kind);

    private static IEnumerable<InstanceId> InstancesOf(IReadOnlyList<EventSubject> subjects) =>
        Of(subjects, "instance")
            .Select(subject => new InstanceId(subject.Id))
            .Concat(Of(subjects, "schedules").Select(subject => GrainKeys.InstanceOfSchedules(subject.Id)));

    /// <summary>Values of the answers; refusals are left out.</summary>
    private async Task<IReadOnlyList<T>> SeenAsync<TKey, T>(IEnumerable<TKey> keys, Func<TKey, Task<Answer<T>>> ask)
        where T : class
    {
        var answers = await Task.WhenAll(keys.Distinct().Take(MostSubjects).Select(ask)).WaitAsync(cancellationToken);
        return [.. answers.Where(answer => answer.IsOk).Select(answer => answer.Value!)];
    }

    private async Task<InstancePart> WithTimelineAsync(InstanceRecord instance)
    {
        var timeline = new List<StoredEvent>();
        for (var isMore = true; isMore && timeline.Count < MostTimeline; )
        {
            var after = timeline.Count > 0 ? timeline[^1].Sequence : 0;
            var page = await grains
                .Fleet()
                .TimelineAsync(instance.Id, accessScope, after, AtOnce)
                .WaitAsync(cancellationToken);
            timeline.AddRange(page.Value?.Events ?? []);
            isMore = page.Value?.Events.Length == AtOnce;
        }

        return InstancePart.Of(instance, timeline);
    }

    /// <summary>Current state of the providers that were changed or used for placement.</summary>
    private async Task<ImmutableArray<Grains.Providers.ProviderView>> ProvidersAsync(
        IReadOnlyList<EventSubject> subjects,
        IReadOnlyList<InstanceRecord> instances
    )
    {
        var ids = Of(subjects, "provider")
            .Select(Subject.ProviderOf)
            .Concat(instances.Select(instance => instance.Intent?.Offer.Provider.Value).OfType<string>());
        var views = await SeenAsync(ids, id => grains.Provider(new ProviderId(id)).GetAsync(null));
        return
        [
            .. views.Select(view =>
                view with
                {
                    ListingError = view.ListingError is { } error ? Masking.Text(error) : null,
                }
            ),
        ];
    }
}
