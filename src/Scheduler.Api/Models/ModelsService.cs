using Google.Protobuf;
using Grpc.Core;
using Scheduler.Api.Pipeline;
using Scheduler.Api.V1;
using Scheduler.Domain.Ids;
using Scheduler.Edge;
using Scheduler.Grains;
using Scheduler.Grains.Models;

namespace Scheduler.Api.Models;

internal sealed class ModelsService(IGrainFactory grains) : V1.Models.ModelsBase
{
    public override async Task<Model> RegisterModel(RegisterModelRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Parent);
        await grains.Account(account).GetAsync(account).OrThrow(request.Parent, context.CancellationToken);
        var command = new RegisterModel(
            account,
            request.Model,
            request.Source.Length > 0 ? request.Source : null,
            BytesOf(request.ConfigJson),
            BytesOf(request.QuantizationJson),
            BytesOf(request.GgufHeader),
            BytesOf(request.WeightsIndex),
            [.. request.WeightsHeaders.Select(part => part.ToByteArray())],
            [.. request.GgufParts.Select(part => part.ToByteArray())]
        );
        var view = await grains
            .Model(account, request.Model)
            .RegisterAsync(command, context.Command(account))
            .OrThrow(ResourceName.Model(account, request.Model), context.CancellationToken);
        return ToProto(view);
    }

    public override async Task<Model> ImportModel(ImportModelRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Parent);
        await grains.Account(account).GetAsync(account).OrThrow(request.Parent, context.CancellationToken);
        var command = new ImportModel(
            account,
            request.Repository,
            TextOf(request.Revision),
            TextOf(request.Model),
            TextOf(request.File),
            TextOf(request.Runtime),
            TextOf(request.TokenSecret)
        );
        var view = await grains
            .ModelImport()
            .ImportAsync(command, context.Command(account))
            .OrThrow(ResourceName.Model(account, command.Name ?? command.Repository), context.CancellationToken);
        return ToProto(view);
    }

    public override async Task<Model> GetModel(GetModelRequest request, ServerCallContext context)
    {
        var account = ResourceName.ParseAccount(request.Name);
        var view = await grains
            .Model(account, ResourceName.LastOf(request.Name, "models"))
            .GetAsync(account)
            .OrThrow(request.Name, context.CancellationToken);
        return ToProto(view);
    }

    public override async Task<ListModelsResponse> ListModels(ListModelsRequest request, ServerCallContext context)
    {
        AccountId account = ResourceName.ParseAccount(request.Parent);
        await grains.Account(account).GetAsync(account).OrThrow(request.Parent, context.CancellationToken);
        var query = ModelRequestValidation.Query(request.Parent);
        var size = Paging.SizeOf(request.PageSize);
        var page = await grains
            .Fleet()
            .ListModelsAsync(account, Paging.CursorOf(request.PageToken, query), size)
            .WaitAsync(context.CancellationToken);
        var response = new ListModelsResponse
        {
            NextPageToken = page.Length < size ? "" : Paging.Next(query, page[^1].Name),
        };
        response.Models.AddRange(page.Select(ToProto));
        return response;
    }

    private static string? TextOf(string text) => text.Length > 0 ? text : null;

    private static byte[]? BytesOf(ByteString bytes) => bytes.IsEmpty ? null : bytes.ToByteArray();

    private static Model ToProto(ModelView view)
    {
        var proto = new Model
        {
            Name = ResourceName.Model(view.Account, view.Name),
            Model_ = view.Name,
            Source = view.Source,
            Architecture = view.Architecture,
            Parameters = view.Parameters,
            WeightFormat = view.WeightFormat,
            WeightBytes = view.WeightBytes,
            KvBytesPerToken = view.KvBytesPerToken,
            MaxContextTokens = view.MaxContextTokens,
            CreateTime = view.RegisteredAt.ToProtoTime(),
            LeastWeightBytes = view.LeastWeightBytes,
            MostWeightBytes = view.MostWeightBytes,
        };
        proto.Doubts.AddRange(view.Doubts);
        return proto;
    }
}
