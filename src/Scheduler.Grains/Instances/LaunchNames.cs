using System.Collections.Immutable;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Instances;
using Scheduler.Domain.Models;
using Scheduler.Domain.Runtimes;
using Scheduler.Domain.Storage;
using Scheduler.Grains.Models;
using Scheduler.Grains.Providers;
using Scheduler.Grains.Secrets;
using Scheduler.ModelFit;

namespace Scheduler.Grains.Instances;

/// <summary>
/// The check of the names in a launch spec. Every command and query that takes a spec calls it before anything else happens.
/// </summary>
internal sealed class LaunchNames(
    OfferCatalogue catalogue,
    ModelLibrary models,
    RuntimeCatalogue runtimes,
    IEntityIndex entities
)
{
    /// <summary>Most registered models that are compared with an unknown name.</summary>
    private const int MostModels = 1000;

    /// <summary>
    /// Returns the spec with aliases replaced and without runtime arguments that repeat a field, or a refusal with every unknown name.
    /// </summary>
    /// <param name="stored">The spec before a change; its names are accepted. Null for a new spec.</param>
    public async ValueTask<Answer<LaunchSpec>> CheckAsync(
        AccountId account,
        LaunchSpec spec,
        LaunchSpec? stored,
        IGrainFactory grains
    )
    {
        if (catalogue.For(account).Names.MustWaitFor(spec))
        {
            await catalogue.OpenAsync();
        }

        var named = catalogue.For(account).Names.Check(spec, stored);
        var faults = named.Faults.Select(fault => new FieldFault(fault.Field, fault.Description)).ToImmutableArray();
        var found = named.Spec;
        if (await models.FindAsync(account, spec, grains) is { } model)
        {
            found = runtimes.WithoutRepeats(found, model.Facts);
            faults = faults.AddRange(RuntimeFaults(named.Spec, model));
        }
        else if (spec.Model != stored?.Model)
        {
            faults = faults.Insert(0, new FieldFault("spec.model", await UnknownModelAsync(account, spec.Model)));
        }

        faults = faults.AddRange(await SecretFaultsAsync(account, spec, grains));
        return faults.IsEmpty ? found : Refusal.Invalid(faults);
    }

    /// <summary>
    /// The refusal of a stored spec that an older version accepted, or that the operator's settings no longer permit; null
    /// when its runtime may start.
    /// </summary>
    public async ValueTask<Refusal?> CheckStoredAsync(AccountId account, LaunchSpec spec, IGrainFactory grains)
    {
        var faults = await SecretFaultsAsync(account, spec, grains);
        if (await models.FindAsync(account, spec, grains) is { } model)
        {
            faults = RuntimeFaults(spec, model).AddRange(faults);
        }

        return faults.IsEmpty ? null : Refusal.Invalid(faults);
    }

    /// <summary>The secrets that a spec names and the account does not have.</summary>
    private static async ValueTask<ImmutableArray<FieldFault>> SecretFaultsAsync(
        AccountId account,
        LaunchSpec spec,
        IGrainFactory grains
    )
    {
        var names = spec.SecretsNamed;
        if (names.IsEmpty)
        {
            return [];
        }

        var found = await grains.Secrets(account).ReadSealedAsync(names);
        return
        [
            .. spec
                .Variables.Where(variable => variable.Value.Secret is { } name && !found.ContainsKey(name))
                .Select(variable => new FieldFault(
                    $"spec.env[{variable.Key}].secret",
                    $"The account has no secret `{variable.Value.Secret}`; create it first."
                )),
        ];
    }

    private ImmutableArray<FieldFault> RuntimeFaults(LaunchSpec spec, LaunchModel model) =>
        [
            .. runtimes
                .Faults(spec, model.Facts, model.Source)
                .Select(fault => new FieldFault(fault.Field, fault.Description)),
        ];

    private async Task<string> UnknownModelAsync(AccountId account, string model)
    {
        var own = await entities.ListAsync<ModelRecord>(
            "model",
            account,
            $"model-{account.Value}/",
            MostModels,
            CancellationToken.None
        );
        return SpecNames.UnknownModel(model, [.. own.Select(record => record.Name), .. ModelCatalogue.Names]);
    }
}
