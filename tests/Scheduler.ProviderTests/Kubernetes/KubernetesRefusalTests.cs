using System.Net;
using k8s.Autorest;
using Scheduler.Domain.Providers;
using Scheduler.Domain.Settings;
using Scheduler.Providers.Kubernetes;
using Xunit;

namespace Scheduler.ProviderTests.Kubernetes;

/// <summary>Answers of the API server to a create, and settings that cannot work.</summary>
public sealed class KubernetesRefusalTests
{
    [Theory]
    [InlineData(401, "Unauthorized", RejectionKind.Credentials)]
    [InlineData(
        403,
        "pods is forbidden: User \"system:serviceaccount:a:b\" cannot create resource \"pods\" in API group \"\" in the namespace \"x\"",
        RejectionKind.Credentials
    )]
    [InlineData(
        403,
        "pods \"s\" is forbidden: exceeded quota: gpus, requested: requests.nvidia.com/gpu=1, used: 4, limited: 4",
        RejectionKind.Quota
    )]
    [InlineData(
        403,
        "pods \"s\" is forbidden: violates PodSecurity \"restricted:latest\": runAsNonRoot != true",
        RejectionKind.InvalidRequest
    )]
    [InlineData(
        400,
        "admission webhook \"policy.example\" denied the request: image is not permitted",
        RejectionKind.InvalidRequest
    )]
    [InlineData(
        403,
        "admission webhook \"policy.example\" denied the request: image is not permitted",
        RejectionKind.InvalidRequest
    )]
    [InlineData(
        403,
        "unable to create new content in namespace x because it is being terminated",
        RejectionKind.ProviderError
    )]
    [InlineData(422, "Pod \"s\" is invalid: spec.runtimeClassName: Invalid value", RejectionKind.InvalidRequest)]
    [InlineData(404, "namespaces \"scheduler-runtimes\" not found", RejectionKind.ProviderError)]
    [InlineData(409, "object is being deleted", null)]
    [InlineData(429, "Too many requests, please try again later.", null)]
    [InlineData(500, "etcdserver: request timed out", null)]
    [InlineData(504, "Timeout: request did not complete within requested timeout", null)]
    public void A_refused_create_has_a_kind_and_the_server_s_words(int code, string words, RejectionKind? kind)
    {
        var outcome = KubernetesFailures.OfCreate(Answer(code, Status(words)));

        Assert.Equal(kind, outcome?.Rejection?.Kind);
        Assert.Equal(kind is null ? null : words, outcome?.Rejection?.ProviderWords);
    }

    [Theory]
    [InlineData(401, "Unauthorized", RejectionKind.Credentials)]
    [InlineData(403, "pods \"s\" is forbidden: User \"a\" cannot get resource \"pods\"", RejectionKind.Credentials)]
    [InlineData(429, "Too many requests, please try again later.", null)]
    [InlineData(500, "etcdserver: request timed out", null)]
    public void A_refused_first_read_says_that_the_credentials_are_refused(int code, string words, RejectionKind? kind)
    {
        var outcome = KubernetesFailures.OfRead(Answer(code, Status(words)));

        Assert.Equal(kind, outcome?.Rejection?.Kind);
        Assert.Equal(
            kind is null ? null : $"the credentials of this scheduler are refused: {words}",
            outcome?.Rejection?.ProviderWords
        );
    }

    [Fact]
    public void A_page_of_a_proxy_is_quoted_and_cut()
    {
        var page = "<html>" + string.Concat(Enumerable.Repeat("No healthy upstream. ", 200));

        var (code, words) = KubernetesFailures.Read(Answer(502, page));

        Assert.Equal(HttpStatusCode.BadGateway, code);
        Assert.StartsWith("<html>No healthy upstream. No healthy", words, StringComparison.Ordinal);
        Assert.InRange(words.Length, 700, KubernetesFailures.MaxWords);
    }

    [Fact]
    public void Tokens_in_words_are_removed() =>
        Assert.Equal(
            "denied for [secret]",
            KubernetesFailures.Read(Answer(400, Status("denied for hf_abcdefghijklmnopqrst"))).Words
        );

    [Fact]
    public void Wrong_settings_are_named()
    {
        var options = new KubernetesOptions
        {
            Enabled = true,
            KubeConfig = "/no/such/file",
            Prices = { ["T4"] = -1 },
            EncryptedPath = true,
            Reach = KubernetesReach.NodePort,
            ModelCache = { Claim = "models", HostPath = "/models" },
        };

        var paths = options.Check("Providers:Kubernetes").Select(fault => fault.Path);

        Assert.Equal(
            [
                "Providers:Kubernetes:KubeConfig",
                "Providers:Kubernetes:Prices:T4",
                "Providers:Kubernetes:EncryptedPath",
                "Providers:Kubernetes:ModelCache:HostPath",
            ],
            paths
        );
        Assert.Equal(
            "outside a cluster",
            Assert.Single(((ICheckedSettings)new KubernetesOptions { Enabled = true }).Check("K")).Given
        );
    }

    [Theory]
    [InlineData(null, "dev", true)]
    [InlineData("prod", "dev", true)]
    [InlineData("nope", "dev", false)]
    [InlineData(null, "gone", false)]
    public void A_context_must_be_one_of_the_file(string? context, string current, bool isFine)
    {
        var folder = Directory.CreateTempSubdirectory("kubeconfig-");
        try
        {
            var file = Path.Combine(folder.FullName, "config");
            File.WriteAllText(
                file,
                $$"""
                current-context: {{current}}
                contexts: [{ name: dev, context: { cluster: a, user: b } }, { name: prod, context: { cluster: a, user: b } }]
                """
            );
            var faults = new KubernetesOptions
            {
                Enabled = true,
                KubeConfig = file,
                Context = context,
            }.Check("K");

            Assert.Equal(
                isFine ? [] : [$"K:Context is '{context}'; accepted with the file {file}: dev, prod"],
                faults.Select(fault => fault.ToString())
            );
            File.WriteAllText(file, "kubernetes listens on: {");
            Assert.Equal(
                "K:KubeConfig",
                Assert.Single(new KubernetesOptions { Enabled = true, KubeConfig = file }.Check("K")).Path
            );
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

    private static string Status(string message) =>
        new System.Text.Json.Nodes.JsonObject { ["kind"] = "Status", ["message"] = message }.ToJsonString();

    private static HttpOperationException Answer(int code, string content) =>
        new() { Response = new HttpResponseMessageWrapper(new HttpResponseMessage((HttpStatusCode)code), content) };
}
