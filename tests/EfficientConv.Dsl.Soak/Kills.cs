using System.Diagnostics;
using EfficientConv.Dsl.Cli.Output;
using EfficientConv.Dsl.Compiler.Scheduling;

namespace EfficientConv.Dsl.Soak;

/// <summary>A process that writes a file again and again is killed at any moment: what then lies there must be whole.</summary>
internal static class Kills
{
    /// <summary>Text of a schedule file, long enough that it is not written in one piece.</summary>
    private static string Schedule(int number)
    {
        IEnumerable<string> entries = Enumerable.Range(0, 2000).Select(i => $$"""{ "layer": "layer {{i}}", "isa": "Avx2", "form": "rows", "rows": 2, "slab": 16 }""");
        return $$"""{ "version": 1, "machine": "{{number}}", "schedules": [{{string.Join(",\n", entries)}}] }""";
    }

    /// <summary>Kills that many writers of each kind of file.</summary>
    public static string Run(int count)
    {
        string folder = Directory.CreateTempSubdirectory("efficientconv-soak-").FullName;
        try
        {
            Random random = new(3);
            int halves = 0;
            foreach (string kind in (string[])["packed", "schedule"])
            {
                string path = Path.Combine(folder, kind);
                Write(kind, path, 0);
                for (int i = 0; i < count; i++)
                {
                    using Process process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, ["exec", typeof(Kills).Assembly.Location, "write", kind, path]) { RedirectStandardOutput = true })!;
                    // It says that it has begun; from then on it writes without a pause.
                    process.StandardOutput.ReadLine();
                    Thread.Sleep(random.Next(60));
                    process.Kill();
                    process.WaitForExit();
                    Check(kind, path);
                    foreach (string half in Directory.GetFiles(folder).Except([path, Path.Combine(folder, "packed")]))
                    {
                        halves++;
                        File.Delete(half);
                    }
                }
            }

            return $"{count} writers of packed weights and {count} of schedules killed, {halves} of them in the middle of a file; the files are whole";
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>The writer: until it is killed.</summary>
    public static void WriteForever(string kind, string path)
    {
        Write(kind, path, 0);
        Console.WriteLine("writing");
        for (int number = 0; ; number++)
            Write(kind, path, number);
    }

    private static void Write(string kind, string path, int number)
    {
        if (kind == "packed")
            Winograd.CreateRandom(seed: number % 7).SavePacked(path);
        else
            OutputFile.Write(path, Schedule(number));
    }

    private static void Check(string kind, string path)
    {
        try
        {
            if (kind == "packed")
                _ = Winograd.LoadPacked(path, new LoadOptions { Strict = true });
            else if (ScheduleOverrides.Parse(File.ReadAllText(path)).Entries.Count != 2000)
                throw new SoakException($"{path} has lost entries");
        }
        catch (Exception exception) when (exception is PackedWeightsException or FormatException or IOException)
        {
            throw new SoakException($"{path} is not whole: {exception.Message}");
        }
    }
}
