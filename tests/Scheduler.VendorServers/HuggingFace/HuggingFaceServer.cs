using System.Collections.Concurrent;
using System.Net.Http.Headers;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;

namespace Scheduler.VendorServers.HuggingFace;

/// <summary>
/// The part of a hub that an import reads: the list of files of a revision, and ranges of files behind a redirect to a store
/// at another address.
/// </summary>
/// <remarks>
/// Sources: the hub's OpenAPI description, and <c>hf_raise_for_status</c> of huggingface_hub for codes and statuses of
/// refusals.
/// </remarks>
public sealed class HuggingFaceServer : IVendorServer
{
    private readonly ConcurrentDictionary<string, HubRepository> _repositories = new(StringComparer.Ordinal);

    public string Name => "huggingface";

    /// <summary>All requests: path, range and authorization as they came.</summary>
    public ConcurrentQueue<HubCall> Calls { get; } = new();

    /// <summary>Token that the hub accepts from anyone; others get 401.</summary>
    public string ValidToken { get; init; } = "hf_valid";

    /// <summary>Status that it answers instead of anything else; null for normal answers.</summary>
    public int? FailsWith { get; set; }

    /// <summary>Whether it ignores ranges and sends whole files, as some mirrors do.</summary>
    public bool IgnoresRanges { get; set; }

    public string SettingFor(Uri address) => $"--Hub:BaseUrl={address}";

    public HuggingFaceServer Add(HubRepository repository)
    {
        ArgumentNullException.ThrowIfNull(repository);
        _repositories[repository.Id] = repository;
        return this;
    }

    /// <summary>A server with a few repositories to try an import.</summary>
    public static HuggingFaceServer WithSamples() =>
        new HuggingFaceServer()
            .Add(
                new HubRepository("acme/tiny-llama") { License = "apache-2.0" }
                    .With("config.json", TinyLlama)
                    .With("model.safetensors", HubRepository.Safetensors("model.embed_tokens.weight", 32_000, 2_048))
            )
            .Add(
                new HubRepository("acme/gated-llama") { IsGated = true, Token = "hf_valid" }.With(
                    "config.json",
                    TinyLlama
                )
            );

    public void MapTo(WebApplication app)
    {
        app.Use(
            async (http, next) =>
            {
                Calls.Enqueue(
                    new HubCall(
                        http.Request.Path,
                        http.Request.Headers.Range.ToString(),
                        TokenOf(http),
                        http.Request.Host.Host
                    )
                );
                if (FailsWith is { } status)
                {
                    http.Response.StatusCode = status;
                    return;
                }

                await next(http);
            }
        );
        app.MapGet(
            "/api/models/{owner}/{name}",
            (HttpContext http, string owner, string name) => List(http, owner, name, "main")
        );
        app.MapGet("/api/models/{owner}/{name}/revision/{revision}", List);
        app.MapGet("/{owner}/{name}/resolve/{revision}/{**file}", Resolve);
        app.MapGet("/store/{owner}/{name}/{**file}", SendAsync);
    }

    private IResult List(HttpContext http, string owner, string name, string revision)
    {
        if (Refusal(http, owner, name, revision, isFile: false) is { } refusal)
        {
            return refusal;
        }

        var repository = _repositories[$"{owner}/{name}"];
        return Results.Json(
            new
            {
                id = repository.Id,
                sha = repository.Commit,
                gated = repository.IsGated ? "manual" : (object)false,
                disabled = repository.IsDisabled,
                cardData = repository.License is { } license ? new { license } : null,
                siblings = repository.Files.Keys.Select(file => new { rfilename = file }),
            }
        );
    }

    private IResult Resolve(HttpContext http, string owner, string name, string revision, string file)
    {
        if (Refusal(http, owner, name, revision, isFile: true) is { } refusal)
        {
            return refusal;
        }

        return _repositories[$"{owner}/{name}"].Files.ContainsKey(file)
            ? Results.Redirect($"http://localhost:{http.Request.Host.Port}/store/{owner}/{name}/{file}?signature=s")
            : Refuse(http, 404, "EntryNotFound", "Entry not found");
    }

    private async Task SendAsync(HttpContext http, string owner, string name, string file)
    {
        var repository = _repositories[$"{owner}/{name}"];
        var (content, size) = (repository.Files[file], repository.Sizes[file]);
        var (from, to) = (0L, size - 1);
        if (!IgnoresRanges && RangeHeaderValue.TryParse(http.Request.Headers.Range, out var range))
        {
            (from, to) = (range.Ranges.First().From ?? 0, Math.Min(range.Ranges.First().To ?? to, size - 1));
            http.Response.StatusCode = StatusCodes.Status206PartialContent;
            http.Response.Headers.ContentRange = $"bytes {from}-{to}/{size}";
        }

        http.Response.ContentLength = to - from + 1;
        var chunk = new byte[64 << 10];
        for (var at = from; at <= to && !http.RequestAborted.IsCancellationRequested; at += chunk.Length)
        {
            var count = (int)Math.Min(chunk.Length, to - at + 1);
            Array.Clear(chunk);
            if (at < content.Length)
            {
                content.AsSpan((int)at, (int)Math.Min(count, content.Length - at)).CopyTo(chunk);
            }

            await http.Response.Body.WriteAsync(chunk.AsMemory(0, count), http.RequestAborted);
        }
    }

    private IResult? Refusal(HttpContext http, string owner, string name, string revision, bool isFile)
    {
        var token = TokenOf(http);
        if (token is not null && token != ValidToken)
        {
            return Refuse(http, 401, null, "Invalid credentials in Authorization header");
        }

        if (
            !_repositories.TryGetValue($"{owner}/{name}", out var repository)
            || (repository.IsPrivate && token != repository.Token)
        )
        {
            return Refuse(http, token is null ? 401 : 404, "RepoNotFound", "Repository not found");
        }

        if (revision != "main" && revision != repository.Commit)
        {
            return Refuse(http, 404, "RevisionNotFound", $"Invalid rev id: {revision}");
        }

        return repository.IsGated && isFile && token != repository.Token
                ? Refuse(
                    http,
                    token is null ? 401 : 403,
                    "GatedRepo",
                    $"Access to model {repository.Id} is restricted. You must have access to it and be authenticated to access it."
                )
            : repository.IsDisabled && isFile ? Refuse(http, 403, null, "Access to this resource is disabled.")
            : null;
    }

    private static IResult Refuse(HttpContext http, int status, string? code, string message)
    {
        if (code is not null)
        {
            http.Response.Headers["X-Error-Code"] = code;
        }

        http.Response.Headers["X-Error-Message"] = message;
        return Results.Json(new { error = message }, statusCode: status);
    }

    private static string? TokenOf(HttpContext http) =>
        AuthenticationHeaderValue.TryParse(http.Request.Headers.Authorization, out var value) ? value.Parameter : null;

    private const string TinyLlama = """
        {"architectures":["LlamaForCausalLM"],"model_type":"llama","hidden_size":2048,"intermediate_size":5632,
         "num_hidden_layers":22,"num_attention_heads":32,"num_key_value_heads":4,"vocab_size":32000,
         "max_position_embeddings":2048,"torch_dtype":"bfloat16","tie_word_embeddings":false}
        """;
}

/// <param name="Token">Of the authorization header; null without one.</param>
public sealed record HubCall(string Path, string Range, string? Token, string Host);
