using System.Collections.Immutable;
using Scheduler.Domain.Instances;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Billing;
using Scheduler.Grains.Instances;
using Scheduler.Grains.Keys;

namespace Scheduler.Dashboard.Placement;

/// <summary>What a form would do if it were sent: nothing is created, nothing is started, nothing is held.</summary>
/// <param name="Form">What is written.</param>
/// <param name="Spec">What it asks for.</param>
/// <param name="Faults">What is wrong with it, each named by its field.</param>
/// <param name="Account">For whom; null where it is not known.</param>
/// <param name="Explanation">What a start would do now; null while the form does not say enough.</param>
public sealed record LaunchPreview(
    LaunchForm Form,
    LaunchSpec Spec,
    ImmutableArray<FieldFault> Faults,
    AccountView? Account,
    LaunchExplanation? Explanation
)
{
    /// <summary>Faults of what is written.</summary>
    public IEnumerable<FieldFault> Wrong => Faults.Where(fault => Form[fault.Field].Length > 0);

    /// <summary>Faults of what is not written yet.</summary>
    public IEnumerable<FieldFault> Missing => Faults.Where(fault => Form[fault.Field].Length == 0);

    /// <summary>What is to be said at a field; what is not written yet is no fault before the form was sent.</summary>
    /// <param name="field">Which.</param>
    public string? FaultOf(string field) =>
        (Form.WasAsked ? Faults : Wrong).FirstOrDefault(fault => fault.Field == field)?.Description;

    /// <summary>Where the form is with a proposed change made.</summary>
    /// <param name="proposal">The proposal.</param>
    public string AddressWith(RelaxationLine proposal)
    {
        ArgumentNullException.ThrowIfNull(proposal);
        return Form.With(Spec.Constraints.Loosened(proposal.Changes)).Address;
    }

    /// <summary>Asks what the form would do.</summary>
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
        }

        LaunchExplanation? explanation = null;
        if (account is not null && reader.IsSpecRight)
        {
            var told = await grains.Fleet().ExplainAsync(account.Id, reader.Spec).WaitAsync(cancellationToken);
            explanation = told.IsOk
                ? told.Value
                : throw new DoorException(DoorError.Of(told.Refusal, account.Id.Value));
        }

        return new LaunchPreview(form, reader.Spec, reader.Faults.All, account, explanation);
    }
}
