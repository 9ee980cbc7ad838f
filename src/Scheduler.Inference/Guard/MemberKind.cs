namespace Scheduler.Inference.Guard;

/// <summary>How the value of a member is read; the words of <c>members.txt</c>.</summary>
internal enum MemberKind
{
    Name = 1,
    Own,
    Setting,
    Text,
    Role,
    Messages,
    Content,
    Prompt,
    Ids,
    Image,
    Url,
    Media,
    Unseen,
}
