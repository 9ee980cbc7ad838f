using Scheduler.Edge;
using Scheduler.Inference.Gateway;

namespace Scheduler.Inference.Dialects;

/// <summary>Errors of OpenAI's Responses API: as on its other paths, with an event of their own in streams.</summary>
internal sealed class ResponsesErrors : OpenAiErrors
{
    public static new readonly ResponsesErrors Shape = new();

    private ResponsesErrors() { }

    public override byte[] Event(ApiError error, RequestScope scope) => Event(error, scope, 0);

    /// <summary>
    /// The event as documented, and the error as an object too: the vendor's own server sends that, and its client reads
    /// it.
    /// </summary>
    /// <param name="sequence">Number of the event in its stream, from 0.</param>
    public static byte[] Event(ApiError error, RequestScope scope, int sequence)
    {
        var data = Json(json =>
        {
            json.WriteStartObject();
            json.WriteString("type", "error");
            json.WriteNumber("sequence_number", sequence);
            json.WriteString("code", error.Reason);
            json.WriteString("message", MessageOf(error));
            json.WriteString("param", error.Faults.IsEmpty ? null : error.Faults[0].Field);
            json.WritePropertyName("error");
            WriteError(json, error, scope);
            json.WriteEndObject();
        });
        return [.. "event: error\ndata: "u8, .. data.Span, .. "\n\n"u8];
    }

    /// <summary>The message of an error as the vendor's clients show it.</summary>
    public static string WordsOf(ApiError error) => MessageOf(error);
}
