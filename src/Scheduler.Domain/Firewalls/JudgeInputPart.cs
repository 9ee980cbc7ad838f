namespace Scheduler.Domain.Firewalls;

/// <summary>One piece of what a request says, as a firewall sees it.</summary>
/// <param name="Role">Who is said to speak; the client's word.</param>
/// <param name="Text">What.</param>
public readonly record struct JudgeInputPart(string Role, string Text)
{
    /// <summary>Says nothing of the text (INV-13).</summary>
    public override string ToString() => $"{Text.Length} characters";
}
