using System.Collections.Immutable;
using System.Globalization;
using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using Scheduler.Api.Firewalls;
using Scheduler.Api.Pipeline;
using Scheduler.Api.Requests;
using Scheduler.Api.V1;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Instances;

namespace Scheduler.Api.Instances;

internal sealed class InstancesService(IGrainFactory grains, RecordWatch watch) : V1.Instances.InstancesBase
{
    /// <summary>Attempts of a partial update, because the scheduler itself may change the record in between.</summary>
    private const int UpdateTries = 5;

    public override async Task<Instance> CreateInstance(CreateInstanceRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Parent);
        var id = new InstanceId(NewId.Make("i-", 20, "instance", account.Value, request.RequestId));
        var record = await grains
            .Instance(id)
            .CreateAsync(
                new CreateInstance(account, request.ServingName, request.Spec.ToDomain(), Labels(request.Labels)),
                context.Command(account, request.RequestId)
            )
            .OrThrow(request.Parent, context.CancellationToken);
        return record.ToProto(context.Caller());
    }

    public override async Task<Instance> GetInstance(GetInstanceRequest request, ServerCallContext context)
    {
        var record = await RecordAsync(request.Name, context);
        var place =
            record.State == Domain.Instances.InstanceState.Waiting
                ? await grains.Fleet().WaitingPlaceAsync(record.Account, record.Id).WaitAsync(context.CancellationToken)
                : null;
        return record.ToProto(context.Caller(), place);
    }

    public override async Task<InstanceUsage> GetInstanceUsage(
        GetInstanceUsageRequest request,
        ServerCallContext context
    )
    {
        var instance = ResourceName.ParseInstance(request.Parent);
        await grains
            .Instance(instance)
            .GetAsync(ResourceName.ParseAccount(request.Parent))
            .OrThrow(request.Parent, context.CancellationToken);
        var usage = await grains.Usage(instance).GetAsync().WaitAsync(context.CancellationToken);
        return usage.ToProto(request.Parent);
    }

    public override async Task<ListInstancesResponse> ListInstances(
        ListInstancesRequest request,
        ServerCallContext context
    )
    {
        var account = ResourceName.ParseAccount(request.Parent);
        var isAny = account.Value is ResourceName.AnyAccount;
        if (!isAny)
        {
            await grains.Account(account).GetAsync(account).OrThrow(request.Parent, context.CancellationToken);
        }

        var token = InstanceRequestValidation.Query(request);
        var query = InstanceFilter.Parse(request.Filter, context.Scope().Faults) with
        {
            Account = isAny ? null : account,
            After = InstancePaging.Of(Paging.CursorOf(request.PageToken, token)),
            Limit = Paging.SizeOf(request.PageSize),
        };
        var page = await grains.Fleet().ListInstancesAsync(query).WaitAsync(context.CancellationToken);
        var response = new ListInstancesResponse
        {
            NextPageToken = page.Next is { } next ? Paging.Next(token, InstancePaging.Format(next)) : "",
        };
        response.Instances.AddRange(page.Instances.Select(record => record.ToMaskedProto()));
        return response;
    }

    public override Task<Instance> StartInstance(StartInstanceRequest request, ServerCallContext context) =>
        CommandAsync(request.Name, request.RequestId, context, (grain, command) => grain.StartAsync(command));

    public override async Task<RepairInstanceResponse> RepairInstance(
        RepairInstanceRequest request,
        ServerCallContext context
    )
    {
        var record = await RecordAsync(request.Name, context);
        // Null also for a repeated repair, which the grain recognizes.
        var remedy = Remedies.For(record).FirstOrDefault(known => known.Id == request.Remedy);
        if (request.DryRun)
        {
            return new RepairInstanceResponse
            {
                Instance = record.ToProto(context.Caller()),
                Explanation = await ExplainAsync(request, record, remedy, context),
            };
        }

        if (remedy?.TopUp is { } amount && (!request.HasIfGeneration || request.IfGeneration == record.Generation))
        {
            await TopUpAsync(record, amount, context);
        }

        var command = new RepairInstance(request.Remedy, request.HasIfGeneration ? request.IfGeneration : null);
        return new RepairInstanceResponse
        {
            Instance = await CommandAsync(
                request.Name,
                request.RequestId,
                context,
                (grain, by) => grain.RepairAsync(command, by)
            ),
        };
    }

    public override Task<Instance> StopInstance(StopInstanceRequest request, ServerCallContext context) =>
        CommandAsync(request.Name, request.RequestId, context, (grain, command) => grain.StopAsync(command));

    public override Task<Instance> DeleteInstance(DeleteInstanceRequest request, ServerCallContext context) =>
        CommandAsync(request.Name, request.RequestId, context, (grain, command) => grain.DeleteAsync(command));

    public override async Task<Instance> UpdateInstance(UpdateInstanceRequest request, ServerCallContext context)
    {
        for (var again = UpdateTries; ; again--)
        {
            try
            {
                return await UpdateOnceAsync(request, context);
            }
            catch (ApiException moved)
                when (again > 1 && !request.HasIfGeneration && moved.Error.Reason is ApiErrorCodes.WrongState)
            {
                // The caller does not guard the update. The change in between came from the scheduler, for example a
                // confirmed release.
            }
        }
    }

    public override async Task<V1.LaunchExplanation> ExplainInstance(
        ExplainInstanceRequest request,
        ServerCallContext context
    )
    {
        var explanation = await GrainOf(request.Name)
            .ExplainAsync(ResourceName.ParseAccount(request.Name))
            .OrThrow(request.Name, context.CancellationToken);
        return explanation.ToProto();
    }

    public override async Task<V1.LaunchExplanation> ExplainLaunch(
        ExplainLaunchRequest request,
        ServerCallContext context
    )
    {
        var explanation = await grains
            .Fleet()
            .ExplainAsync(ResourceName.ParseAccount(request.Parent), request.Spec.ToDomain())
            .OrThrow(request.Parent, context.CancellationToken);
        return explanation.ToProto();
    }

    public override async Task<ListInstanceEventsResponse> ListInstanceEvents(
        ListInstanceEventsRequest request,
        ServerCallContext context
    )
    {
        var query = InstanceRequestValidation.EventsQuery(request.Parent);
        var size = Paging.SizeOf(request.PageSize);
        var page = await grains
            .Fleet()
            .TimelineAsync(
                ResourceName.ParseInstance(request.Parent),
                ResourceName.ParseAccount(request.Parent),
                Paging.NumberOf(request.PageToken, query, 0),
                size
            )
            .OrThrow(request.Parent, context.CancellationToken);
        var response = new ListInstanceEventsResponse
        {
            NextPageToken = page.Events.Length < size ? "" : Paging.Next(query, page.Events[^1].Sequence),
        };
        response.Events.AddRange(page.Events.Select(e => e.ToProto(request.Parent)));
        return response;
    }

    public override Task WatchInstance(
        WatchInstanceRequest request,
        IServerStreamWriter<Instance> responseStream,
        ServerCallContext context
    )
    {
        var grain = GrainOf(request.Name);
        var account = ResourceName.ParseAccount(request.Name);
        return watch.RunAsync(
            context,
            stop => grain.GetAsync(account).OrThrow(request.Name, stop),
            (sent, stop) => grain.WaitForChangeAsync(account, sent, stop).OrThrow(request.Name, stop),
            record => record.Generation,
            record => record.State == Domain.Instances.InstanceState.Deleted,
            request.AfterGeneration,
            (record, stop) => responseStream.WriteAsync(record.ToProto(context.Caller()), stop)
        );
    }

    private async Task<V1.LaunchExplanation> ExplainAsync(
        RepairInstanceRequest request,
        InstanceRecord record,
        Domain.Instances.Remedy? remedy,
        ServerCallContext context
    )
    {
        if (remedy is null)
        {
            var ids = string.Join(", ", Remedies.For(record).Select(known => known.Id));
            throw new ApiException(
                ApiError.Invalid([
                    new FieldFault(
                        "remedy",
                        ids.Length > 0 ? $"Must be one of {ids}." : "The instance has no remedies now."
                    ),
                ])
            );
        }

        var explanation = remedy.Spec is { } spec
            ? await grains.Fleet().ExplainAsync(record.Account, spec).OrThrow(request.Name, context.CancellationToken)
            : await GrainOf(request.Name).ExplainAsync(record.Account).OrThrow(request.Name, context.CancellationToken);
        return explanation.ToProto();
    }

    /// <summary>One top-up for each failure: the reference contains the generation, so a repetition adds nothing.</summary>
    private async Task TopUpAsync(InstanceRecord record, MicroEuro amount, ServerCallContext context)
    {
        if (!context.Caller().IsOperator)
        {
            throw new ApiException(ApiError.OperatorsOnly());
        }

        var reference = string.Create(CultureInfo.InvariantCulture, $"repair-{record.Id}-g{record.Generation}");
        await grains
            .Account(record.Account)
            .TopUpAsync(amount, reference, context.Command(null))
            .OrThrow(ResourceName.Account(record.Account), context.CancellationToken);
    }

    private async Task<Instance> UpdateOnceAsync(UpdateInstanceRequest request, ServerCallContext context)
    {
        var paths = request.UpdateMask?.Paths ?? [];
        var isPartial = paths.Any(path => path.StartsWith("spec.", StringComparison.Ordinal));
        var takesSpec = paths.Count == 0 ? request.Spec is not null : isPartial || paths.Contains("spec");
        var takesLabels = paths.Count == 0 ? request.Labels.Count > 0 : paths.Contains("labels");
        var takesFirewall = paths.Count == 0 ? request.HasFirewall : paths.Contains("firewall");
        var spec = request.Spec;
        long? guard = request.HasIfGeneration ? request.IfGeneration : null;
        if (isPartial && !paths.Contains("spec"))
        {
            // Fields outside the mask come from the current spec, so the record must not change in between.
            var present = await RecordAsync(request.Name, context);
            guard ??= present.Generation;
            spec = Merge(request, present.Spec.ToProto());
            var faults = new Faults();
            faults.CheckSpec(spec, isWhole: true);
            if (!faults.None)
            {
                throw new ApiException(ApiError.Invalid(faults.All));
            }
        }

        var update = new UpdateInstance(
            takesSpec ? spec?.ToDomain() : null,
            takesLabels ? Labels(request.Labels) : null,
            guard,
            takesFirewall ? request.Firewall : null
        );
        await grains.RequireFirewallAsync(
            ResourceName.ParseAccount(request.Name),
            update.Firewall,
            context.CancellationToken
        );
        return await CommandAsync(request.Name, "", context, (grain, command) => grain.UpdateAsync(update, command));
    }

    private static ImmutableSortedDictionary<string, string> Labels(MapField<string, string> labels) =>
        labels.ToImmutableSortedDictionary(StringComparer.Ordinal);

    private static V1.LaunchSpec Merge(UpdateInstanceRequest request, V1.LaunchSpec present)
    {
        var merged = new UpdateInstanceRequest { Spec = present };
        var options = new FieldMask.MergeOptions
        {
            ReplaceRepeatedFields = true,
            ReplaceMessageFields = true,
            ReplacePrimitiveFields = true,
        };
        request.UpdateMask.Merge(request, merged, options);
        return merged.Spec;
    }

    private IInstanceGrain GrainOf(string name) => grains.Instance(ResourceName.ParseInstance(name));

    private Task<InstanceRecord> RecordAsync(string name, ServerCallContext context) =>
        GrainOf(name).GetAsync(ResourceName.ParseAccount(name)).OrThrow(name, context.CancellationToken);

    private async Task<Instance> CommandAsync(
        string name,
        string clientRequestId,
        ServerCallContext context,
        Func<IInstanceGrain, CommandContext, Task<Answer<InstanceRecord>>> command
    )
    {
        var record = await command(GrainOf(name), context.Command(ResourceName.ParseAccount(name), clientRequestId))
            .OrThrow(name, context.CancellationToken);
        return record.ToProto(context.Caller());
    }
}
