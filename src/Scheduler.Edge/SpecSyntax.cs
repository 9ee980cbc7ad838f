namespace Scheduler.Edge;

/// <summary>
/// Syntax of the texts in a launch spec, shared by the API and the dashboard. The domain defines the ranges
/// (<see cref="Domain.Instances.SpecLimits"/>).
/// </summary>
internal static class SpecSyntax
{
    public const int LongestArgument = 1024;

    public const string Format = "1 to 32 of A-Z a-z 0-9 _ -";
    public const string KvFormat = "auto, fp16 or fp8";
    public const string Runtime = "1 to 63 of a-z 0-9 . _ -";
    public const string Argument = "1 to 1024 characters";
    public const string Word = "1 to 64 characters in one line";
    public const string Provider = "1 to 63 of a-z 0-9 -";
    public const string ServingName = "1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit";

    public static readonly string[] KvFormats = ["auto", "fp16", "fp8"];

    public static bool IsKvFormat(string text) => KvFormats.Contains(text, StringComparer.Ordinal);

    public static bool IsArgument(string text) =>
        text.Length is > 0 and <= LongestArgument && !text.Contains('\0', StringComparison.Ordinal);
}
