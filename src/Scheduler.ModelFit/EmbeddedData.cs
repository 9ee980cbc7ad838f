namespace Scheduler.ModelFit;

/// <summary>Data embedded in this assembly: <c>Data/gpus.csv</c> and <c>Data/models</c>.</summary>
internal static class EmbeddedData
{
    private const string ModelFolder = "models/";

    /// <summary>Names of the model files, without folder.</summary>
    public static IEnumerable<string> ModelFiles =>
        typeof(EmbeddedData)
            .Assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(ModelFolder, StringComparison.Ordinal))
            .Select(name => name[ModelFolder.Length..]);

    /// <param name="file">Name without folder.</param>
    public static byte[] Model(string file) => Read(ModelFolder + file);

    public static byte[] Gpus() => Read("gpus.csv");

    private static byte[] Read(string name)
    {
#pragma warning disable RS0030 // An embedded resource is part of the code, not input, and .NET returns it only as a stream.
        using var stream =
            typeof(EmbeddedData).Assembly.GetManifestResourceStream(name)
            ?? throw new ArgumentException($"No embedded file {name}.", nameof(name));
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return bytes;
#pragma warning restore RS0030
    }
}
