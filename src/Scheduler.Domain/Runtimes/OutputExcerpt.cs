using System.Text;
using Scheduler.Domain.Runtimes.Exits;
using Scheduler.Domain.Runtimes.Starts;

namespace Scheduler.Domain.Runtimes;

/// <summary>
/// The part of a runtime's output that a diagnosis needs: the first lines, later lines that name a cause or report the start,
/// and the last lines, in order. Memory is bounded, however long the output is.
/// </summary>
/// <param name="maxChars">Length of the excerpt, ≥ 1,024 characters.</param>
public sealed class OutputExcerpt(int maxChars)
{
    /// <summary>A longer line is cut; access logs of requests with whole prompts reach megabytes.</summary>
    private const int MaxLineChars = 2048;

    private const string Gap = "[…]\n";

    private readonly int _maxHead = maxChars / 4;
    private readonly int _maxMiddle = maxChars / 4;
    private readonly int _maxTail = (maxChars / 2) - (2 * Gap.Length);
    private readonly StringBuilder _head = new();
    private readonly StringBuilder _middle = new();
    private readonly Queue<string> _tail = new();
    private readonly StringBuilder _line = new();
    private int _tailChars;
    private bool _isHeadFull;
    private bool _hasGap;

    public static string Of(string output, int maxChars)
    {
        if (output.Length <= maxChars)
        {
            return output;
        }

        var excerpt = new OutputExcerpt(maxChars);
        excerpt.Append(output);
        return excerpt.End();
    }

    /// <summary>Adds the next part of the output. It may end within a line, which the next part continues.</summary>
    public void Append(ReadOnlySpan<char> part)
    {
        for (var end = part.IndexOf('\n'); end >= 0; end = part.IndexOf('\n'))
        {
            Continue(part[..end]);
            EndLine();
            part = part[(end + 1)..];
        }

        Continue(part);
    }

    private void Continue(ReadOnlySpan<char> part) =>
        _line.Append(part[..Math.Min(part.Length, MaxLineChars + 1 - _line.Length)]);

    private void EndLine()
    {
        Add(_line.ToString());
        _line.Clear();
    }

    private void Add(ReadOnlySpan<char> line)
    {
        line = line.TrimEnd('\r');
        var kept = line.Length > MaxLineChars ? $"{line[..MaxLineChars]}…\n" : $"{line}\n";
        if (!_isHeadFull && _head.Length + kept.Length <= _maxHead)
        {
            _head.Append(kept);
            return;
        }

        _isHeadFull = true;
        _tail.Enqueue(kept);
        _tailChars += kept.Length;
        while (_tailChars > _maxTail && _tail.Count > 1)
        {
            Leave(_tail.Dequeue());
        }
    }

    /// <summary>Removes a line from the last lines; keeps it in the middle when it names a cause or reports the start.</summary>
    private void Leave(string line)
    {
        _tailChars -= line.Length;
        _hasGap = true;
        if (
            _middle.Length + line.Length <= _maxMiddle
            && (
                ExitRules.Find(line) is not null
                || ExitRules.IsAlive(line)
                || OutputLines.NamesError(line)
                || StartReport.IsLine(line)
            )
        )
        {
            _middle.Append(line);
        }
    }

    /// <summary>Ends the output and returns the excerpt.</summary>
    public string End()
    {
        if (_line.Length > 0)
        {
            EndLine();
        }

        var all = new StringBuilder(_head.Length + _middle.Length + _tailChars);
        all.Append(_head);
        if (_hasGap)
        {
            all.Append(Gap).Append(_middle).Append(Gap);
        }

        foreach (var line in _tail)
        {
            all.Append(line);
        }

        return all.ToString();
    }
}
