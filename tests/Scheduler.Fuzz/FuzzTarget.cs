using System.Reflection;
using System.Text;

namespace Scheduler.Fuzz;

/// <summary>
/// One parser under test. An instance belongs to one thread.
/// </summary>
internal abstract class FuzzTarget
{
    /// <summary>Name on the command line, and folder of the corpus.</summary>
    public abstract string Name { get; }

    /// <summary>Longest generated input, bytes.</summary>
    public abstract int MaxLength { get; }

    /// <summary>Most bytes that one execution may allocate, whatever its input.</summary>
    public abstract long AllocationBase { get; }

    /// <summary>Further bytes that one execution may allocate for each byte of its input.</summary>
    public abstract long AllocationPerByte { get; }

    /// <summary>The grammar that a mutation may use.</summary>
    public virtual Structure Structure => Structure.Text;

    /// <summary>Tokens that mutations insert.</summary>
    public abstract byte[][] Dictionary { get; }

    /// <summary>
    /// Runs the parser once and checks its result. A refusal that the parser documents is an outcome; the caller
    /// reports every exception from here as a finding.
    /// </summary>
    public abstract Outcome Execute(ReadOnlyMemory<byte> input);

    /// <summary>The checked-in inputs. A file <c>*.lines</c> holds one input per line.</summary>
    public IReadOnlyList<byte[]> Seeds()
    {
        var seeds = new List<byte[]>();
        var assembly = Assembly.GetExecutingAssembly();
        foreach (var file in assembly.GetManifestResourceNames().Order(StringComparer.Ordinal))
        {
            if (!file.Replace('\\', '/').StartsWith(Name + "/", StringComparison.Ordinal))
            {
                continue;
            }

            using var stream = assembly.GetManifestResourceStream(file)!;
            var bytes = new byte[stream.Length];
            stream.ReadExactly(bytes);
            if (file.EndsWith(".lines", StringComparison.Ordinal))
            {
                seeds.AddRange(Encoding.UTF8.GetString(bytes).TrimEnd('\n').Split('\n').Select(Encoding.UTF8.GetBytes));
            }
            else
            {
                seeds.Add(bytes);
            }
        }

        return seeds;
    }

    /// <summary>Reports a broken promise of the parser as a finding.</summary>
    protected static void Require(bool holds, string promise)
    {
        if (!holds)
        {
            throw new BrokenPromiseException(promise);
        }
    }

    /// <summary>UTF-8 as text; invalid bytes become unpaired surrogates, which .NET strings can hold.</summary>
    protected static string Text(ReadOnlySpan<byte> input)
    {
        var text = Encoding.UTF8.GetString(input);
        return text.Contains('\uFFFD', StringComparison.Ordinal) ? text.Replace('\uFFFD', '\uD800') : text;
    }

    protected static byte[][] Tokens(params string[] tokens) => [.. tokens.Select(Encoding.UTF8.GetBytes)];
}

internal enum Structure
{
    Text,
    Json,
    Gguf,
}

/// <summary>The result of one execution; inputs that reach a new one join the corpus in memory.</summary>
/// <param name="IsAccepted">Whether the parser accepted the input.</param>
/// <param name="Shape">Hash over the kind of result or the text of the refusal.</param>
internal readonly record struct Outcome(bool IsAccepted, ulong Shape)
{
    public static Outcome Accepted(ulong shape = 0) => new(true, shape);

    public static Outcome Refused(ulong shape = 0) => new(false, shape);
}

internal static class Shape
{
    public const ulong Start = 14695981039346656037;

    private const int MostLetters = 40;

    /// <summary>
    /// Adds the first letters of a text, without those in quotes: numbers and quoted input do not count as new.
    /// </summary>
    public static ulong Add(ulong shape, ReadOnlySpan<char> text)
    {
        var isQuoted = false;
        var letters = 0;
        foreach (var letter in text)
        {
            if (letter is '\'' or '"')
            {
                isQuoted = !isQuoted;
            }
            else if (!isQuoted && char.IsAsciiLetter(letter))
            {
                shape = Add(shape, letter);
                if (++letters == MostLetters)
                {
                    break;
                }
            }
        }

        return shape;
    }

    public static ulong Add(ulong shape, ulong value) => unchecked((shape ^ value) * 1099511628211);

    public static ulong Add(ulong shape, bool value) => Add(shape, value ? 1UL : 2UL);
}

/// <summary>A parser's result contradicts its documentation.</summary>
internal sealed class BrokenPromiseException(string promise) : Exception(promise);
