using System.Runtime.InteropServices;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Net.Http.Headers;
using Scheduler.Edge;
using Scheduler.Grains;

namespace Scheduler.Inference.Gateway;

/// <summary>Finds the fields that the gateway needs in a form; files and other fields stay unread.</summary>
internal static class FormReader
{
    /// <summary>Longest value of a field that is read, bytes.</summary>
    private const int LongestValue = 4096;

    /// <summary>Longest boundary; RFC 2046 permits 70 characters.</summary>
    private const int LongestBoundary = 70;

    /// <exception cref="ApiException">The form cannot be read, or names no model.</exception>
    public static async Task<InferenceRequest> ReadAsync(
        RequestKind kind,
        ReadOnlyMemory<byte> body,
        string contentType
    )
    {
        if (BoundaryOf(contentType) is not { } boundary)
        {
            throw Invalid("body", $"Must be a form with a boundary of at most {LongestBoundary} characters.");
        }

        await using var stream = MemoryMarshal.TryGetArray(body, out var bytes)
            ? new MemoryStream(bytes.Array!, bytes.Offset, bytes.Count, writable: false)
            : new MemoryStream(body.ToArray(), writable: false);
        var reader = new MultipartReader(boundary, stream);
        string? model = null;
        string? firewall = null;
        var modelAt = default(Range);
        try
        {
            while (await reader.ReadNextSectionAsync() is { } section)
            {
                switch (NameOf(section))
                {
                    case "model" when model is not null:
                        throw Invalid("model", "Must occur only once.");
                    case "model":
                        (model, modelAt) = await ValueAsync(section, "model");
                        break;
                    case "firewall":
                        (firewall, _) = await ValueAsync(section, "firewall");
                        break;
                    default:
                        break;
                }
            }
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            throw Invalid("body", $"Must be a readable form: {e.Message}");
        }

        return string.IsNullOrEmpty(model)
            ? throw Invalid("model", "Is required: the serving name of an instance or balancer.")
            : new InferenceRequest
            {
                Kind = kind,
                Body = body,
                ContentType = contentType,
                Model = model,
                ModelAt = modelAt,
                Firewall = string.IsNullOrEmpty(firewall) ? null : firewall,
            };
    }

    private static async Task<(string Text, Range At)> ValueAsync(MultipartSection section, string name)
    {
        var value = new byte[LongestValue + 1];
        var length = await section.Body.ReadAtLeastAsync(value, value.Length, throwOnEndOfStream: false);
        if (length > LongestValue)
        {
            throw Invalid(name, $"Must be a text of at most {LongestValue} bytes.");
        }

        var at = checked((int)section.BaseStreamOffset!.Value);
        return (Encoding.UTF8.GetString(value, 0, length), at..(at + length));
    }

    private static string? NameOf(MultipartSection section) =>
        ContentDispositionHeaderValue.TryParse(section.ContentDisposition, out var disposition)
            ? HeaderUtilities.RemoveQuotes(disposition.Name).Value
            : null;

    private static string? BoundaryOf(string contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && HeaderUtilities.RemoveQuotes(type.Boundary).Value is { Length: > 0 and <= LongestBoundary } boundary
            ? boundary
            : null;

    private static ApiException Invalid(string field, string what) =>
        new(ApiError.Invalid([new FieldFault(field, what)]));
}
