using System.Text.RegularExpressions;
using Scheduler.Domain.Ids;
using Scheduler.Domain.Providers;

namespace Scheduler.Edge;

/// <summary>Syntax of ids and names in requests.</summary>
internal static partial class Grammar
{
    public const string ModelName =
        "1 to 128 of A-Z a-z 0-9 . _ - with at most one / inside, without .. and with no . or - at the start of a part";
    public const string ScheduleId = "1 to 63 of a-z 0-9 -, beginning with a letter";
    public const int LongestDisplayName = 128;

    public static bool IsAccountId(string text) => AccountId.IsValid(text);

    public static bool IsInstanceId(string text) => InstanceId().IsMatch(text);

    public static bool IsBalancerId(string text) => BalancerId().IsMatch(text);

    public static bool IsServiceId(string text) => ServiceId().IsMatch(text);

    public static bool IsProviderId(string text) => ProviderId().IsMatch(text);

    public static bool IsServingName(string text) => ServingName().IsMatch(text);

    public static bool IsScheduleId(string text) => ScheduleName().IsMatch(text);

    public static bool IsModelName(string text) => text.Length <= 128 && Model().IsMatch(text);

    public static bool IsLabelKey(string text) => LabelKey().IsMatch(text);

    public static bool IsPreset(string text) => Preset().IsMatch(text);

    public static bool IsFormat(string text) => Format().IsMatch(text);

    public static bool IsToken(string text) => Token().IsMatch(text);

    /// <summary>Names of external origin (regions, GPU names): 1 to 64 characters in one line.</summary>
    public static bool IsWord(string text) => text.Length is > 0 and <= 64 && !text.Any(char.IsControl);

    /// <summary>Adds a validation error for an invalid idempotency id; an empty one is absent.</summary>
    public static void CheckRequestId(this Faults faults, string field, string text, bool required = false)
    {
        if ((required || text.Length > 0) && !IsToken(text))
        {
            faults.Add(field, "Must be 1 to 128 of A-Z a-z 0-9 . _ -.");
        }
    }

    public static void CheckDisplayName(this Faults faults, string field, string text)
    {
        if (text.Length > LongestDisplayName || text.Any(char.IsControl))
        {
            faults.Add(field, "Must be at most 128 characters in one line.");
        }
    }

    /// <summary>Adds a validation error for an invalid reason of a drain; an empty one is absent.</summary>
    public static void CheckDrainReason(this Faults faults, string field, string text)
    {
        if (text.Length > DrainOrder.LongestReason || text.Any(char.IsControl))
        {
            faults.Add(field, $"Must be at most {DrainOrder.LongestReason} characters in one line.");
        }
    }

    [GeneratedRegex(@"^i-[a-z2-7]{20}\z", RegexOptions.None, 1000)]
    private static partial Regex InstanceId();

    [GeneratedRegex(@"^bal-[a-z2-7]{20}\z", RegexOptions.None, 1000)]
    private static partial Regex BalancerId();

    [GeneratedRegex(@"^svc-[a-z2-7]{20}\z", RegexOptions.None, 1000)]
    private static partial Regex ServiceId();

    [GeneratedRegex(@"^[a-z0-9-]{1,63}\z", RegexOptions.None, 1000)]
    private static partial Regex ProviderId();

    [GeneratedRegex(@"^[a-z0-9][a-z0-9._-]{0,62}\z", RegexOptions.None, 1000)]
    private static partial Regex ServingName();

    [GeneratedRegex(@"^[a-z][a-z0-9-]{0,62}\z", RegexOptions.None, 1000)]
    private static partial Regex ScheduleName();

    [GeneratedRegex(
        @"^(?!.*\.\.)[A-Za-z0-9_][A-Za-z0-9._-]*(?:/[A-Za-z0-9_][A-Za-z0-9._-]*)?\z",
        RegexOptions.None,
        1000
    )]
    private static partial Regex Model();

    [GeneratedRegex(@"^[a-z][a-z0-9._-]{0,62}\z", RegexOptions.None, 1000)]
    private static partial Regex LabelKey();

    [GeneratedRegex(@"^[a-z0-9._-]{1,63}\z", RegexOptions.None, 1000)]
    private static partial Regex Preset();

    [GeneratedRegex(@"^[A-Za-z0-9_-]{1,32}\z", RegexOptions.None, 1000)]
    private static partial Regex Format();

    [GeneratedRegex(@"^[A-Za-z0-9._-]{1,128}\z", RegexOptions.None, 1000)]
    private static partial Regex Token();
}

/// <summary>
/// Syntax of the texts in a launch spec, shared by the API and the dashboard. The domain defines the ranges
/// (<see cref="Domain.Instances.SpecLimits"/>).
/// </summary>
internal static class SpecSyntax
{
    public const int LongestArgument = 1024;

    public const string Format = "1 to 32 of A-Z a-z 0-9 _ -";
    public const string KvFormat = "auto, fp16, fp8, q8 or q4";
    public const string Runtime = "1 to 63 of a-z 0-9 . _ -";
    public const string Argument = "1 to 1024 characters";
    public const string Word = "1 to 64 characters in one line";
    public const string Provider = "1 to 63 of a-z 0-9 -";
    public const string ServingName = "1 to 63 of a-z 0-9 . _ -, beginning with a letter or digit";

    public static readonly string[] KvFormats = ["auto", "fp16", "fp8", "q8", "q4"];

    public static bool IsKvFormat(string text) => KvFormats.Contains(text, StringComparer.Ordinal);

    public static bool IsArgument(string text) =>
        text.Length is > 0 and <= LongestArgument && !text.Contains('\0', StringComparison.Ordinal);
}
