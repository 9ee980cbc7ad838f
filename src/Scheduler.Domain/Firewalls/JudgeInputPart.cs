namespace Scheduler.Domain.Firewalls;

/// <summary>One piece of a request's text, as a firewall judges it.</summary>
/// <param name="Role">The speaker as the client names it.</param>
/// <param name="Text">The words.</param>
public readonly record struct JudgeInputPart(string Role, string Text)
{
    /// <summary>Contains nothing of the text (INV-13).</summary>
    public override string ToString() => $"{Text.Length} characters";
}
