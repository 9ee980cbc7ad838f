using System.Collections.Immutable;
using System.Globalization;
using System.Text.Json;

namespace Scheduler.Providers.Gpus;

/// <summary>Reads the JSON of <c>amd-smi</c>, and of <c>rocm-smi</c> on hosts with an older ROCm.</summary>
/// <remarks>
/// <c>ROCR_VISIBLE_DEVICES</c> takes <c>GPU-</c> and the unique id of the chip in 16 hexadecimal digits. <c>amd-smi</c> calls the unique id
/// <c>asic_serial</c>.
/// </remarks>
internal static class AmdSmi
{
    internal static readonly ImmutableArray<string> Static = ["static", "--asic", "--vram", "--json"];

    internal static readonly ImmutableArray<string> Memory = ["metric", "--mem-usage", "--json"];

    internal static readonly ImmutableArray<string> RocmQuery =
    [
        "--showproductname",
        "--showuniqueid",
        "--showmeminfo",
        "vram",
        "--json",
    ];

    private const int IdDigits = 16;

    /// <param name="described">Output for <see cref="Static"/>.</param>
    /// <param name="used">Output for <see cref="Memory"/>; empty if it is not known.</param>
    internal static GpuReading Read(string described, string used)
    {
        if (Entries(described) is not { } gpus)
        {
            return GpuReading.Of(GpuFault.ToolUnreadable);
        }

        var memory = (Entries(used) ?? []).ToLookup(entry => Number(entry, "gpu"));
        return gpus.Select(gpu => ReadGpu(gpu, memory[Number(gpu, "gpu")].FirstOrDefault()))
            .Aggregate(GpuReading.None, (all, one) => all.And(one));
    }

    /// <param name="json">Output for <see cref="RocmQuery"/>: an object of cards; sizes are in bytes.</param>
    internal static GpuReading ReadRocm(string json)
    {
        if (Parsed(json) is not { ValueKind: JsonValueKind.Object } cards)
        {
            return GpuReading.Of(GpuFault.ToolUnreadable);
        }

        return cards
            .EnumerateObject()
            .Where(card => card.Name.StartsWith("card", StringComparison.Ordinal))
            .Select(card => ReadCard(card.Value))
            .Aggregate(GpuReading.None, (all, one) => all.And(one));
    }

    private static GpuReading ReadGpu(JsonElement gpu, JsonElement memory)
    {
        var asic = Member(gpu, "asic");
        var total = Mib(Member(Member(gpu, "vram"), "size"));
        var free = Mib(Member(Member(memory, "mem_usage"), "free_vram"));
        return One(Text(asic, "market_name"), Text(asic, "asic_serial"), total, free ?? total);
    }

    private static GpuReading ReadCard(JsonElement card)
    {
        var total = Bytes(Text(card, "VRAM Total Memory (B)"));
        var used = Bytes(Text(card, "VRAM Total Used Memory (B)")) ?? 0;
        return One(
            Text(card, "Card Series") ?? Text(card, "Card series"),
            Text(card, "Unique ID"),
            total >> 20,
            (total - used) >> 20
        );
    }

    private static GpuReading One(string? name, string? id, long? total, long? free) =>
        name is { Length: > 0 and <= 128 }
        && IdOf(id) is { } uuid
        && total is > 0 and <= HostGpu.MaxMib
        && free is >= 0
        && free <= total
            ? new GpuReading([new HostGpu(uuid, name, total.Value, free.Value, GpuVendor.Amd)], [])
            : GpuReading.Of(GpuFault.Unreadable);

    private static string? IdOf(string? id) =>
        id is not null
        && id.StartsWith("0x", StringComparison.OrdinalIgnoreCase)
        && ulong.TryParse(id.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var number)
        && number != 0
            ? "GPU-" + number.ToString($"x{IdDigits}", CultureInfo.InvariantCulture)
            : null;

    /// <summary>The list of GPUs; newer versions put it under <c>gpu_data</c>. Null if it is neither.</summary>
    private static List<JsonElement>? Entries(string json) =>
        Parsed(json) switch
        {
            { ValueKind: JsonValueKind.Array } list => [.. list.EnumerateArray()],
            { ValueKind: JsonValueKind.Object } whole
                when whole.TryGetProperty("gpu_data", out var list) && list.ValueKind == JsonValueKind.Array =>
            [
                .. list.EnumerateArray(),
            ],
            _ => null,
        };

    private static JsonElement? Parsed(string json)
    {
        try
        {
            using var document = JsonDocument.Parse(json);
            return document.RootElement.Clone();
        }
        catch (JsonException)
        {
            return null;
        }
    }

    /// <summary>A size as <c>{"value": 196592, "unit": "MB"}</c>, where MB means MiB, or as a plain number.</summary>
    private static long? Mib(JsonElement size) =>
        size.ValueKind == JsonValueKind.Object && Text(size, "unit") is null or "MB" or "MiB" ? Number(size, "value")
        : size.ValueKind == JsonValueKind.Number && size.TryGetInt64(out var number) ? number
        : null;

    private static long? Bytes(string? text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var bytes) ? bytes : null;

    private static long? Number(JsonElement entry, string name) =>
        Member(entry, name) is { ValueKind: JsonValueKind.Number } value && value.TryGetInt64(out var number)
            ? number
            : null;

    private static string? Text(JsonElement entry, string name) =>
        Member(entry, name) is { ValueKind: JsonValueKind.String } value ? value.GetString() : null;

    private static JsonElement Member(JsonElement entry, string name) =>
        entry.ValueKind == JsonValueKind.Object && entry.TryGetProperty(name, out var value) ? value : default;
}
