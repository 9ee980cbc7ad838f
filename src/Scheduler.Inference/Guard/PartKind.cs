namespace Scheduler.Inference.Guard;

internal enum PartKind
{
    Text = 0,

    /// <summary>The token ids of the request; only the runtime's tokenizer can read them.</summary>
    Ids,

    /// <summary>An image as a data URL: a judge sees the same bytes as the model.</summary>
    Image,

    /// <summary>Content that no judge can be shown.</summary>
    Media,
}
