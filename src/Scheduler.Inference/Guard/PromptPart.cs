namespace Scheduler.Inference.Guard;

/// <summary>One piece of what a model reads of a request.</summary>
/// <param name="Role"><c>system</c>, <c>user</c>, <c>assistant</c> or <c>tool</c>, or the member that holds it.</param>
/// <param name="Text">The text; for other content, its kind.</param>
internal readonly record struct PromptPart(string Role, string Text, PartKind Kind = PartKind.Text)
{
    /// <summary>The data URL of an image that a judge can be shown; null for other content.</summary>
    public string? Image { get; init; }

    public bool IsText => Kind == PartKind.Text;

    /// <summary>Contains nothing of the text (INV-13).</summary>
    public override string ToString() => Kind.ToString();
}
