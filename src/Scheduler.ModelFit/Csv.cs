using System.Text;

namespace Scheduler.ModelFit;

/// <summary>Reads RFC 4180 text (commas, double quotes, a header row). Used only for the shipped tables.</summary>
internal static class Csv
{
    /// <exception cref="FormatException">A row and the header differ in their number of cells.</exception>
    public static IEnumerable<IReadOnlyDictionary<string, string>> Rows(string text)
    {
        string[]? header = null;
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            var cells = Cells(line.TrimEnd('\r'));
            if (header is null)
            {
                header = cells;
                continue;
            }

            if (cells.Length != header.Length)
            {
                throw new FormatException($"A row has {cells.Length} cells, the header {header.Length}: {line}");
            }

            yield return header
                .Zip(cells)
                .ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);
        }
    }

    private static string[] Cells(string line)
    {
        var cells = new List<string>();
        var cell = new StringBuilder();
        var quoted = false;
        for (var i = 0; i < line.Length; i++)
        {
            if (line[i] == '"')
            {
                var doubled = quoted && i + 1 < line.Length && line[i + 1] == '"';
                cell.Append(doubled ? "\"" : "");
                i += doubled ? 1 : 0;
                quoted = doubled || !quoted;
            }
            else if (line[i] == ',' && !quoted)
            {
                cells.Add(cell.ToString());
                cell.Clear();
            }
            else
            {
                cell.Append(line[i]);
            }
        }

        cells.Add(cell.ToString());
        return [.. cells];
    }
}
