using Scheduler.Domain.Balancers;
using Scheduler.Domain.Billing;
using Scheduler.Domain.Failures;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Placement;
using Scheduler.Domain.Services;
using Scheduler.Grains.Firewalls;
using Scheduler.Grains.Instances;

namespace Scheduler.Grains.Services;

/// <summary>The checks of a service's spec that need offers, models and other grains.</summary>
internal sealed class ServiceChecks(LaunchNames names, LaunchChecks checks, TimeProvider clock)
{
    private const string Template = "spec.template";

    /// <summary>Returns the spec with the aliases of its template replaced, or a refusal with every fault.</summary>
    /// <param name="stored">The spec before a change; its names are accepted. Null for a new spec.</param>
    public async Task<Answer<ServiceSpec>> CheckAsync(
        AccountId account,
        ServiceSpec spec,
        ServiceSpec? stored,
        IGrainFactory grains
    )
    {
        var faults = ServiceValidation.FaultsOf(spec).Select(FaultOf).ToList();
        if (
            spec.Firewall is { } slug
            && slug != stored?.Firewall
            && !(await grains.Firewalls(account).GetAsync(slug, account)).IsOk
        )
        {
            faults.Add(new FieldFault("spec.firewall", $"The account has no firewall `{slug}`."));
        }

        var named = await names.CheckAsync(account, spec.Template, stored?.Template, grains);
        if (!named.IsOk)
        {
            faults.AddRange(named.Refusal.Faults.Select(OfTemplate));
            return Refusal.Invalid(faults);
        }

        var placed = await PlaceAsync(account, named.Value, grains);
        if (placed.Failure is { Code: FailureCode.GpuIncompatible } failure)
        {
            faults.Add(new FieldFault($"{Template}.model", $"{failure.Message} {failure.Hint}"));
        }

        if (ServiceValidation.BudgetFault(spec, PriceOf(placed)) is { } tooDear)
        {
            faults.Add(FaultOf(tooDear));
        }

        return faults.Count > 0 ? Refusal.Invalid(faults) : spec with { Template = named.Value };
    }

    /// <summary>Price per hour of the cheapest offer that matches a template now; null when none does.</summary>
    public async Task<MicroEuro?> CheapestAsync(AccountId account, LaunchSpec template, IGrainFactory grains) =>
        PriceOf(await PlaceAsync(account, template, grains));

    private ValueTask<Placed> PlaceAsync(AccountId account, LaunchSpec template, IGrainFactory grains) =>
        checks.PlaceAsync(new InstanceRecord { Account = account, Spec = template }, grains, clock.Now());

    private static MicroEuro? PriceOf(Placed placed) =>
        placed is { Offer: not null, Snapshot: { } snapshot, Request: { } request }
            ? PlacementSolver.CheapestWithin(snapshot, request, new MicroEuro(long.MaxValue))?.PricePerHour
            : null;

    /// <summary>The check of a launch calls its spec <c>spec</c>.</summary>
    private static FieldFault OfTemplate(FieldFault fault) =>
        fault.Field.StartsWith("spec", StringComparison.Ordinal)
            ? fault with
            {
                Field = $"{Template}{fault.Field["spec".Length..]}",
            }
            : fault;

    private static FieldFault FaultOf(SpecFault fault) => new(fault.Field, fault.Description);
}
