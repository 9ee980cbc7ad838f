using System.Globalization;
using System.Text.Json;
using Google.Api;
using Google.Protobuf.Reflection;
using Microsoft.AspNetCore.Http;
using Scheduler.Edge;

namespace Scheduler.Api.Pipeline;

/// <summary>
/// Validates the HTTP form of one request against its descriptor. Each unknown, repeated or wrongly typed field becomes
/// a validation error with its path and is removed. The request's own rules then add their errors, so that one response
/// reports all of them.
/// </summary>
internal sealed class StrictRequest(MessageDescriptor message, HttpRule rule, Faults faults)
{
    private const int DeepestBody = 32;
    private readonly HashSet<string> _inPath = PathFields(rule);

    /// <summary>Returns the query string without invalid parameters.</summary>
    public QueryString ReadQuery(IQueryCollection query)
    {
        var good = new List<KeyValuePair<string, string?>>();
        foreach (var (name, values) in query)
        {
            var field = rule.Body is "*" ? null : FindQueryField(name);
            if (field is null)
            {
                faults.Add(Shown(name), "Unknown query parameter.");
                continue;
            }

            if (!field.IsRepeated && values.Count > 1)
            {
                faults.Add(field.Name, "Given more than once.");
                continue;
            }

            foreach (var value in values)
            {
                if (IsTyped(field, value ?? ""))
                {
                    good.Add(new(field.JsonName, value));
                }
                else
                {
                    faults.Add(field.Name, $"Must be {StrictJson.Expected(field)}.");
                }
            }
        }

        return QueryString.Create(good);
    }

    /// <summary>Returns the body without invalid fields, as JSON.</summary>
    public byte[] ReadBody(ReadOnlyMemory<byte> body)
    {
        if (body.Length == 0)
        {
            return "{}"u8.ToArray();
        }

        using var document = Parse(body);
        var (target, path) = rule.Body is "*"
            ? (message, "")
            : (message.FindFieldByName(rule.Body).MessageType, rule.Body);
        var output = new MemoryStream();
        using (var writer = new Utf8JsonWriter(output))
        {
            new StrictJson(faults, writer, rule.Body is "*" ? _inPath : []).Message(document.RootElement, target, path);
        }

        return output.ToArray();
    }

    /// <summary>
    /// Shortens an unchecked name to 64 characters and replaces control characters, so that an error can show it. An
    /// empty name becomes <c>(empty name)</c>.
    /// </summary>
    internal static string Shown(string name)
    {
        if (name.Length == 0)
        {
            return "(empty name)";
        }

        var shown = name.Length <= 64 ? name : name[..64] + "…";
        return string.Create(
            shown.Length,
            shown,
            static (span, text) =>
            {
                for (var i = 0; i < span.Length; i++)
                {
                    span[i] = char.IsControl(text[i]) || char.IsSurrogate(text[i]) ? '?' : text[i];
                }
            }
        );
    }

    private static HashSet<string> PathFields(HttpRule rule)
    {
        var pattern = rule.PatternCase switch
        {
            HttpRule.PatternOneofCase.Get => rule.Get,
            HttpRule.PatternOneofCase.Put => rule.Put,
            HttpRule.PatternOneofCase.Post => rule.Post,
            HttpRule.PatternOneofCase.Delete => rule.Delete,
            HttpRule.PatternOneofCase.Patch => rule.Patch,
            HttpRule.PatternOneofCase.Custom => rule.Custom.Path,
            HttpRule.PatternOneofCase.None or _ => "",
        };
        return [.. pattern.Split('{').Skip(1).Select(part => part[..part.IndexOfAny(['=', '}'])])];
    }

    private static bool IsTyped(FieldDescriptor field, string value) =>
        field.FieldType switch
        {
            FieldType.String => true,
            FieldType.Bool => value is "true" or "false",
            FieldType.Int32 => int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
            FieldType.Int64 => long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _),
            FieldType.Enum => field.EnumType.FindValueByName(value) is not null,
            _ => false,
        };

    private FieldDescriptor? FindQueryField(string name)
    {
        var field = StrictJson.FindField(message, name);
        return
            field is null
            || field.IsMap
            || field.FieldType == FieldType.Message
            || _inPath.Contains(field.Name)
            || string.Equals(field.Name, rule.Body, StringComparison.Ordinal)
            ? null
            : field;
    }

    private JsonDocument Parse(ReadOnlyMemory<byte> body)
    {
        try
        {
            return JsonDocument.Parse(body, new JsonDocumentOptions { MaxDepth = DeepestBody });
        }
        catch (JsonException e)
        {
            faults.Add(
                "body",
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"Not JSON at line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}, or nested deeper than {DeepestBody}."
                )
            );
            // Without a body the request's own rules would report every field as missing; only this error is useful.
            throw new ApiException(ApiError.Invalid(faults.All));
        }
    }
}
