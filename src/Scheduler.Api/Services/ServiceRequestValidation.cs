using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.Instances;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Firewalls;
using Scheduler.Domain.Services;
using Scheduler.Edge;

namespace Scheduler.Api.Services;

/// <summary>
/// Validates requests about services: syntax here, meaning in <see cref="ServiceValidation"/>. One response reports all
/// errors.
/// </summary>
internal static class ServiceRequestValidation
{
    private static readonly TimeSpan Day = TimeSpan.FromHours(24);

    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<CreateServiceRequest>(r => r.Parent, Check),
        RequestValidator.For<GetServiceRequest>(r => r.Name, (r, f) => f.CheckService("name", r.Name)),
        RequestValidator.For<ListServicesRequest>(r => r.Parent, Check),
        RequestValidator.For<UpdateServiceRequest>(r => r.Name, Check),
        RequestValidator.For<DeleteServiceRequest>(r => r.Name, (r, f) => f.CheckService("name", r.Name)),
        RequestValidator.For<PauseServiceRequest>(r => r.Name, (r, f) => f.CheckService("name", r.Name)),
        RequestValidator.For<ResumeServiceRequest>(r => r.Name, (r, f) => f.CheckService("name", r.Name)),
        RequestValidator.For<RollbackServiceRequest>(r => r.Name, Check),
        RequestValidator.For<ExplainServiceRequest>(r => r.Name, (r, f) => f.CheckService("name", r.Name)),
        RequestValidator.For<WatchServiceRequest>(r => r.Name, Check),
        RequestValidator.For<ListServiceEventsRequest>(r => r.Parent, Check),
    ];

    public static string Query(ListServicesRequest request) =>
        $"services|{request.Parent}|{request.ServingName}|{request.Model}|{request.Condition}";

    public static string EventsQuery(string parent) => $"service-events|{parent}";

    private static void Check(CreateServiceRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        if (
            !Grammar.IsServingName(request.ServingName)
            || request.ServingName.Length > ServiceValidation.LongestServingName
        )
        {
            faults.Add(
                "serving_name",
                $"Must be 1 to {ServiceValidation.LongestServingName} of a-z 0-9 . _ -, beginning with a letter or digit."
            );
        }

        faults.CheckSpec(request.Spec);
        faults.CheckLabels(request.Labels);
        faults.CheckRequestId("request_id", request.RequestId);
    }

    private static void Check(UpdateServiceRequest request, Faults faults)
    {
        faults.CheckService("name", request.Name);
        faults.CheckLabels(request.Labels);
        if (request.HasIfGeneration)
        {
            faults.Range("if_generation", request.IfGeneration, 1, long.MaxValue);
        }

        if (request.Spec is not null)
        {
            faults.CheckSpec(request.Spec);
        }
        else if (request.Labels.Count == 0)
        {
            faults.Add("spec", "Nothing to change: give spec or labels.");
        }
    }

    private static void Check(ListServicesRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent, mayBeAny: true);
        if (request.ServingName.Length > 0 && !Grammar.IsServingName(request.ServingName))
        {
            faults.Add("serving_name", $"Must be {SpecSyntax.ServingName}.");
        }

        if (request.Model.Length > 0 && !Grammar.IsModelName(request.Model))
        {
            faults.Add("model", $"Must be {Grammar.ModelName}.");
        }

        CheckEnum(faults, "condition", request.Condition);
        faults.CheckPage(request.PageSize, request.PageToken, Query(request), Grammar.IsServiceId);
    }

    private static void Check(RollbackServiceRequest request, Faults faults)
    {
        faults.CheckService("name", request.Name);
        if (request.HasRevision)
        {
            faults.Range("revision", request.Revision, 1, int.MaxValue);
        }
    }

    private static void Check(WatchServiceRequest request, Faults faults)
    {
        faults.CheckService("name", request.Name);
        faults.Range("after_version", request.AfterVersion, 0, long.MaxValue);
    }

    private static void Check(ListServiceEventsRequest request, Faults faults)
    {
        faults.CheckService("parent", request.Parent);
        faults.CheckPage(request.PageSize, request.PageToken, EventsQuery(request.Parent), Paging.IsNumber);
    }

    private static void CheckSpec(this Faults faults, V1.ServiceSpec? spec)
    {
        if (spec is null)
        {
            faults.Add("spec", "Is required.");
            return;
        }

        // The check of a launch calls its spec `spec`.
        var ofTemplate = new Faults();
        ofTemplate.CheckSpec(spec.Template, isWhole: true);
        foreach (var fault in ofTemplate.All)
        {
            faults.Add($"spec.template{fault.Field["spec".Length..]}", fault.Description);
        }

        CheckEnum(faults, "spec.affinity", spec.Affinity);
        CheckEnum(faults, "spec.spot.policy", spec.Spot?.Policy ?? V1.SpotPolicy.Unspecified);
        if (spec.Firewall.Length > 0 && !FirewallValidation.IsSlug(spec.Firewall))
        {
            faults.Add("spec.firewall", $"Must be {FirewallValidation.Slug}.");
        }

        if (AreTimesRepresentable(spec, faults))
        {
            AddMeaning(spec, faults);
        }
    }

    /// <summary>The faults of the numbers and times, also while other fields cannot be mapped.</summary>
    private static void AddMeaning(V1.ServiceSpec spec, Faults faults)
    {
        var numbers = spec.Clone();
        numbers.Template = new V1.LaunchSpec();
        numbers.Affinity = V1.ServiceAffinity.Unspecified;
        numbers.Firewall = "";
        if (numbers.Spot is { } spot)
        {
            spot.Policy = V1.SpotPolicy.Unspecified;
        }

        foreach (var fault in ServiceValidation.FaultsOf(numbers.ToDomain()))
        {
            faults.Add(fault.Field, fault.Description);
        }
    }

    private static bool AreTimesRepresentable(V1.ServiceSpec spec, Faults faults)
    {
        var isSo = true;
        Check("spec.scaling.up_window", spec.Scaling?.UpWindow);
        Check("spec.scaling.down_window", spec.Scaling?.DownWindow);
        Check("spec.scaling.idle_to_zero", spec.Scaling?.IdleToZero);
        Check("spec.hold.max_wait", spec.Hold?.MaxWait);
        Check("spec.update.drain_timeout", spec.Update?.DrainTimeout);
        return isSo;

        void Check(string field, Duration? time)
        {
            var found = new Faults();
            found.CheckDuration(field, time, TimeSpan.Zero, Day);
            foreach (var fault in found.All)
            {
                faults.Add(fault.Field, fault.Description);
                isSo = false;
            }
        }
    }

    private static void CheckEnum<T>(Faults faults, string field, T value)
        where T : struct, System.Enum
    {
        if (!System.Enum.IsDefined(value))
        {
            faults.Add(field, "Is not a value that this version knows.");
        }
    }
}
