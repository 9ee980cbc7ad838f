using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Scheduler.Api.Firewalls;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Edge;

namespace Scheduler.Api.Instances;

/// <summary>Validation of instance requests.</summary>
internal static class InstanceRequestValidation
{
    private const int MostLabels = 64;
    private const int LongestLabel = 256;

    public static IEnumerable<RequestValidator> All { get; } =
    [
        RequestValidator.For<CreateInstanceRequest>(r => r.Parent, Check),
        RequestValidator.For<GetInstanceRequest>(r => r.Name, (r, f) => f.CheckInstance("name", r.Name)),
        RequestValidator.For<GetInstanceUsageRequest>(r => r.Parent, (r, f) => f.CheckInstance("parent", r.Parent)),
        RequestValidator.For<ListInstancesRequest>(r => r.Parent, Check),
        RequestValidator.For<StartInstanceRequest>(r => r.Name, (r, f) => f.CheckCommand(r.Name, r.RequestId)),
        RequestValidator.For<RepairInstanceRequest>(r => r.Name, Check),
        RequestValidator.For<StopInstanceRequest>(r => r.Name, (r, f) => f.CheckCommand(r.Name, r.RequestId)),
        RequestValidator.For<DeleteInstanceRequest>(r => r.Name, (r, f) => f.CheckCommand(r.Name, r.RequestId)),
        RequestValidator.For<UpdateInstanceRequest>(r => r.Name, Check),
        RequestValidator.For<ExplainInstanceRequest>(r => r.Name, (r, f) => f.CheckInstance("name", r.Name)),
        RequestValidator.For<ExplainLaunchRequest>(r => r.Parent, Check),
        RequestValidator.For<ListInstanceEventsRequest>(r => r.Parent, Check),
        RequestValidator.For<WatchInstanceRequest>(r => r.Name, Check),
    ];

    public static string Query(ListInstancesRequest request) => $"instances|{request.Parent}|{request.Filter}";

    public static string EventsQuery(string parent) => $"events|{parent}";

    private static void Check(CreateInstanceRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        if (!Grammar.IsServingName(request.ServingName))
        {
            faults.Add("serving_name", $"Must be {SpecSyntax.ServingName}.");
        }

        faults.CheckSpec(request.Spec, isWhole: true);
        faults.CheckLabels(request.Labels);
        faults.CheckRequestId("request_id", request.RequestId);
    }

    private static void Check(ListInstancesRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent, mayBeAny: true);
        InstanceFilter.Parse(request.Filter, faults);
        faults.CheckPage(request.PageSize, request.PageToken, Query(request), c => InstancePaging.TryParse(c, out _));
    }

    private static void Check(RepairInstanceRequest request, Faults faults)
    {
        faults.CheckCommand(request.Name, request.RequestId);
        if (
            request.Remedy.Length is 0 or > 63
            || !request.Remedy.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-')
        )
        {
            faults.Add("remedy", "Must be the id of one of the instance's remedies: 1 to 63 of a-z 0-9 -.");
        }

        if (request.HasIfGeneration)
        {
            faults.Range("if_generation", request.IfGeneration, 1, long.MaxValue);
        }
    }

    private static void Check(UpdateInstanceRequest request, Faults faults)
    {
        faults.CheckInstance("name", request.Name);
        faults.CheckLabels(request.Labels);
        if (request.HasIfGeneration)
        {
            faults.Range("if_generation", request.IfGeneration, 1, long.MaxValue);
        }

        if (request.HasFirewall)
        {
            faults.CheckAttached("firewall", request.Firewall);
        }

        var mask = request.UpdateMask;
        foreach (var path in mask?.Paths ?? [])
        {
            if (
                path is not ("labels" or "firewall")
                && !(path.Split('.')[0] is "spec" && FieldMask.IsValid<UpdateInstanceRequest>(path))
            )
            {
                faults.Add(
                    "update_mask",
                    $"Unknown path {StrictRequest.Shown(path)}; accepted are labels, firewall, spec and its fields."
                );
            }
        }

        if (request.Spec is not null)
        {
            // With a mask of single fields the rest of the spec may be missing; the merged spec is validated later.
            faults.CheckSpec(request.Spec, isWhole: mask is null or { Paths.Count: 0 } || mask.Paths.Contains("spec"));
        }
        else if (mask?.Paths.Any(path => path.Split('.')[0] is "spec") == true)
        {
            faults.Add("spec", "Is named by update_mask and missing.");
        }
        else if (
            request.Labels.Count == 0
            && !request.HasFirewall
            && mask?.Paths.Any(path => path is "labels" or "firewall") != true
        )
        {
            faults.Add("spec", "Nothing to change: give spec, labels or firewall.");
        }
    }

    private static void Check(ExplainLaunchRequest request, Faults faults)
    {
        faults.CheckAccount("parent", request.Parent);
        faults.CheckSpec(request.Spec, isWhole: true);
    }

    private static void Check(ListInstanceEventsRequest request, Faults faults)
    {
        faults.CheckInstance("parent", request.Parent);
        faults.CheckPage(request.PageSize, request.PageToken, EventsQuery(request.Parent), Paging.IsNumber);
    }

    private static void Check(WatchInstanceRequest request, Faults faults)
    {
        faults.CheckInstance("name", request.Name);
        faults.Range("after_generation", request.AfterGeneration, 0, long.MaxValue);
    }

    private static void CheckCommand(this Faults faults, string name, string clientRequestId)
    {
        faults.CheckInstance("name", name);
        faults.CheckRequestId("request_id", clientRequestId);
    }

    /// <summary>Validates the labels of a caller.</summary>
    public static void CheckLabels(this Faults faults, MapField<string, string> labels)
    {
        if (labels.Count > MostLabels)
        {
            faults.Add("labels", $"Must be at most {MostLabels}.");
        }

        foreach (var (key, value) in labels)
        {
            if (!Grammar.IsLabelKey(key))
            {
                faults.Add(
                    $"labels[{StrictRequest.Shown(key)}]",
                    "The key must be 1 to 63 of a-z 0-9 . _ -, beginning with a letter."
                );
            }
            else if (value.Length > LongestLabel || value.Any(char.IsControl))
            {
                faults.Add($"labels[{key}]", $"Must be at most {LongestLabel} characters in one line.");
            }
        }
    }
}
