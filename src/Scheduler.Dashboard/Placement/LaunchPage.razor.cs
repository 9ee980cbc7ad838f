using System.Collections.Immutable;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Components;
using Scheduler.Dashboard.Shell;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Placement;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Models;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Queries;
using Scheduler.ModelFit;

namespace Scheduler.Dashboard.Placement;

/// <summary>
/// The launch form with a preview of its result. The URL prefills it: <c>?model=…</c> for single fields, and
/// <c>?like=i-…</c> for the whole spec of an instance.
/// </summary>
public sealed partial class LaunchPage
{
    private const int MostProposals = 1000;

    private static readonly (string Value, string Text)[] WeightFormats =
    [
        ("", "as published"),
        .. FormatNames.WeightFormats.Select(format => (format, format)),
    ];

    private static readonly (string Value, string Text)[] KvFormats =
    [
        .. SpecSyntax.KvFormats.Select(format => (format, format)),
    ];

    private static readonly (string Value, string Text)[] Tiers =
    [
        .. Enum.GetValues<CapacityTier>().Select(tier => (tier.Word(), tier.Word())),
    ];

    /// <summary>Fields of the part that is collapsed by default.</summary>
    private static readonly string[] More =
    [
        LaunchFields.GpuPreferences,
        LaunchFields.ProviderPreferences,
        LaunchFields.AllocationTimeout,
        LaunchFields.StartTimeout,
        LaunchFields.CapacityWait,
        LaunchFields.Arguments,
        LaunchFields.Image,
        LaunchFields.Variables,
        LaunchFields.Reroute,
    ];

    // Request id: a form that is sent twice launches once.
    private readonly string _id = "ui-" + RandomNumberGenerator.GetString("abcdefghijklmnopqrstuvwxyz234567", 20);

    private LaunchPreview _preview = new(LaunchForm.Blank, new(), [], null, null);
    private ImmutableArray<ModelView> _models = [];
    private ImmutableArray<GpuTypeView> _gpuTypes = [];
    private ImmutableArray<ProviderView> _providers = [];
    private ImmutableArray<AccountView> _accounts = [];

    [SupplyParameterFromQuery]
    private string? Like { get; set; }

    private bool IsMoreAsked =>
        More.Any(name =>
            _preview.Form[name] != LaunchForm.Blank[name] || _preview.Faults.Any(fault => fault.Field == name)
        );

    private string ProvidersHelp =>
        _providers.IsEmpty
            ? "One per line; empty for any."
            : $"One per line, for example {_providers[0].Id}; empty for any.";

    protected override async Task LoadAsync()
    {
        var form = await FormAsync();
        var fleet = Grains.Fleet();
        var stop = Http.RequestAborted;
        if (Caller.IsOperator)
        {
            _accounts = await fleet.ListAccountsAsync("", MostProposals).WaitAsync(stop);
            if (form[LaunchFields.Account].Length == 0 && _accounts is [var only])
            {
                form = form.With(LaunchFields.Account, only.Id.Value);
            }
        }

        _preview = await LaunchPreview.MakeAsync(Grains, Caller, form, stop);
        _models = await fleet.ListModelsAsync(_preview.Account?.Id, "", MostProposals).WaitAsync(stop);
        _gpuTypes = await fleet.ListGpuTypesAsync().WaitAsync(stop);
        _providers = await fleet.ListProvidersAsync(AccessScope).WaitAsync(stop);
    }

    private async Task<LaunchForm> FormAsync()
    {
        LaunchForm? below = null;
        if (!string.IsNullOrEmpty(Like))
        {
            var record = Grammar.IsInstanceId(Like)
                ? await AskAsync(Grains.Instance(new InstanceId(Like)).GetAsync(AccessScope), Like)
                : throw new ApiException(ApiError.NotFound(Like));
            // A viewer cannot launch the copy.
            below = LaunchForm.Of(Caller.MayChange ? record : record with { Spec = record.Spec.Masked() });
        }

        var query = Http.Request.Query;
        return LaunchForm.Of(field => query.TryGetValue(field, out var text) ? text.ToString() : null, below);
    }

    private bool IsTicked(string field) => _preview.Form[field] == LaunchFields.On;

    private static string Describe(ModelView model) =>
        $"{Units.Gib(model.WeightBytes)} of weights in {model.WeightFormat}, up to {Units.Count(model.MaxContextTokens)} tokens";
}
