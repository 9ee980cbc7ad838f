namespace Scheduler.Benchmarks;

/// <summary>
/// A generated trace of chats, the same for the same seed. Applications share a system prompt; each chat of an
/// application has several turns, and a turn repeats everything before it.
/// </summary>
internal static class PromptTrace
{
    private const int Applications = 60;
    private const double ChatsPerSecond = 4.0;
    private const double MeanTurns = 5;
    private const int MostTurns = 40;
    private const double MeanPauseSeconds = 25;
    private const double ShareWithDocument = 0.2;
    private const int LongestPrompt = 120_000;

    /// <summary>Turns in order of time.</summary>
    public static List<Turn> Of(int seed, int chats)
    {
        var random = new Random(seed);

        // From a sentence to a long manual; a few applications have most of the chats (Zipf).
        var system = Enumerable.Range(0, Applications).Select(_ => (int)LogUniform(random, 30, 6_000)).ToArray();
        var popularity = Enumerable.Range(1, Applications).Select(rank => 1.0 / rank).ToArray();
        var turns = new List<Turn>();
        var at = 0.0;
        for (var chat = 0; chat < chats; chat++)
        {
            at += Exponential(random, 1 / ChatsPerSecond);
            var application = Weighted(random, popularity);
            var (now, prompt) = (at, system[application]);
            var first = 0;
            for (var turn = 0; turn < MostTurns && prompt < LongestPrompt; turn++)
            {
                var question = (int)LogNormal(random, 60, 1.0);
                if (turn == 0 && random.NextDouble() < ShareWithDocument)
                {
                    question += (int)LogUniform(random, 1_000, 20_000);
                }

                prompt += question;
                first = turn == 0 ? prompt : first;
                var answer = (int)Math.Clamp(LogNormal(random, 220, 0.8), 1, 4_000);
                turns.Add(new Turn(now, application, system[application], chat, first, prompt, answer));
                prompt += answer;
                now += (answer / 40.0) + Exponential(random, MeanPauseSeconds);
                if (random.NextDouble() < 1 / MeanTurns)
                {
                    break;
                }
            }
        }

        turns.Sort((one, other) => one.At.CompareTo(other.At));
        return turns;
    }

    private static double Exponential(Random random, double mean) => -mean * Math.Log(1 - random.NextDouble());

    private static double LogUniform(Random random, double least, double most) =>
        least * Math.Pow(most / least, random.NextDouble());

    private static double LogNormal(Random random, double median, double sigma)
    {
        var normal = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble())) * Math.Cos(2 * Math.PI * random.NextDouble());
        return median * Math.Exp(sigma * normal);
    }

    private static int Weighted(Random random, double[] weights)
    {
        var left = random.NextDouble() * weights.Sum();
        for (var i = 0; i < weights.Length; i++)
        {
            left -= weights[i];
            if (left < 0)
            {
                return i;
            }
        }

        return weights.Length - 1;
    }
}

/// <summary>One request; lengths in tokens.</summary>
/// <param name="At">Seconds from the start.</param>
/// <param name="SystemTokens">The beginning that all chats of the application share.</param>
/// <param name="FirstTokens">The prompt up to the end of the first question.</param>
internal sealed record Turn(
    double At,
    int Application,
    int SystemTokens,
    int Chat,
    int FirstTokens,
    int PromptTokens,
    int AnswerTokens
);
