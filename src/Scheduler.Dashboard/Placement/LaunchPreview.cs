using System.Collections.Immutable;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.Placement;

/// <summary>Result of a launch form before it is submitted: nothing is created, started or put on hold.</summary>
/// <param name="Faults">Validation errors, by form field.</param>
/// <param name="Account">Null if the account is not known.</param>
/// <param name="Explanation">Result of a start now; null while the form is incomplete.</param>
public sealed record LaunchPreview(
    LaunchForm Form,
    LaunchSpec Spec,
    ImmutableArray<FieldFault> Faults,
    AccountView? Account,
    LaunchExplanation? Explanation
)
{
    /// <summary>Errors of fields with a value.</summary>
    public IEnumerable<FieldFault> Wrong => Faults.Where(fault => Form[fault.Field].Length > 0);

    /// <summary>Errors of empty required fields.</summary>
    public IEnumerable<FieldFault> Missing => Faults.Where(fault => Form[fault.Field].Length == 0);

    /// <summary>
    /// Error to show at a field; an empty required field shows one only after the form was submitted.
    /// </summary>
    public string? FaultOf(string field) =>
        (Form.WasAsked ? Faults : Wrong).FirstOrDefault(fault => fault.Field == field)?.Description;

    /// <summary>URL of the form with a proposed change applied.</summary>
    public string AddressWith(RelaxationLine proposal) =>
        Form.With(Spec.Constraints.Loosened(proposal.Changes)).Address;

    internal static async Task<LaunchPreview> MakeAsync(
        IGrainFactory grains,
        Caller caller,
        LaunchForm form,
        CancellationToken cancellationToken
    )
    {
        var reader = new LaunchReader(form, caller.Account);
        AccountView? account = null;
        if (reader.Account is { } id)
        {
            var seen = await grains.Account(id).GetAsync(caller.Account).WaitAsync(cancellationToken);
            account = seen.Value;
            if (!seen.IsOk)
            {
                reader.Faults.Add(LaunchFields.Account, LaunchReader.NoAccount);
            }
            else if (
                Grammar.IsServingName(reader.ServingName)
                && await grains.ServingName(id, reader.ServingName).HolderAsync().WaitAsync(cancellationToken)
                    is { } holder
            )
            {
                var what =
                    holder.IsBalancer ? "A balancer"
                    : holder.IsService ? "A service"
                    : "An instance";
                reader.Faults.Add(LaunchFields.Name, $"{what} of {id} has this name already.");
            }
        }

        LaunchExplanation? explanation = null;
        if (account is not null && reader.IsSpecRight)
        {
            var explained = await grains.Fleet().ExplainAsync(account.Id, reader.Spec).WaitAsync(cancellationToken);
            if (explained.Refusal is { Kind: RefusalKind.Invalid } refusal)
            {
                reader.Add(refusal);
            }
            else
            {
                explanation = explained.OrThrow(account.Id.Value);
            }
        }

        return new LaunchPreview(form, reader.Spec, reader.Faults.All, account, explanation);
    }
}
