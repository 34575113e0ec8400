using System.Globalization;
using SharpFuzz;

namespace EfficientConv.Dsl.Fuzzing;

/// <summary>Long runs of one target, and the entry for AFL++.</summary>
internal static class Program
{
    private const string Usage = """
        usage: TARGET [SECONDS [FIRST]]   inputs from number FIRST on (0), SECONDS long (60); ends with 1 where something was found
               count TARGET N [FIRST]     N inputs, however long they take
               input TARGET NUMBER FILE   writes an input to a file
               replay TARGET FILE         reads one file
               seeds TARGET FOLDER        writes the seeds, for fuzz.sh
               afl TARGET                 under AFL++, see fuzz.sh
        """;

    private static int Main(string[] arguments)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        if (arguments is ["afl", var name])
        {
            // Instrumented libraries may not be entered before AFL's memory is there, so the target is looked up inside.
            string path = Path.Combine(FuzzRun.Folder, $"efficientconv-fuzz-{Environment.ProcessId}");
            Fuzzer.OutOfProcess.Run(stream => Read(FuzzTarget.All.Single(t => t.Name == name), stream, path));
            return 0;
        }

        FuzzTarget? target = FuzzTarget.All.FirstOrDefault(t => arguments.Length > 0 && (t.Name == arguments[0] || (arguments.Length > 1 && t.Name == arguments[1])));
        if (target is null)
        {
            Console.Error.WriteLine($"{Usage}\ntargets: {string.Join(", ", FuzzTarget.All.Select(t => t.Name))}");
            return 2;
        }

        switch (arguments)
        {
            case ["input", _, string number, string file]:
                File.WriteAllBytes(file, new Mutator(target).Input(int.Parse(number, CultureInfo.InvariantCulture)));
                return 0;
            case ["seeds", _, string folder]:
                Directory.CreateDirectory(folder);
                foreach ((byte[] seed, int i) in Seeds.Of(target).Select((seed, i) => (seed, i)))
                    File.WriteAllBytes(Path.Combine(folder, $"{i}"), seed);
                return 0;
        }

        using FuzzRun run = new(target);
        if (arguments is ["replay", _, string replayed])
            run.Execute(replayed, File.ReadAllBytes(replayed));
        else if (arguments is ["count", ..])
            run.Run(Number(3, 0), Number(2, 1), TimeSpan.MaxValue);
        else
            run.Run(Number(2, 0), long.MaxValue, TimeSpan.FromSeconds(Number(1, 60)));
        Console.WriteLine($"{target.Name}: {run.Executions:N0} inputs, {run.Refused:N0} refused, {run.Findings.Count} findings; at most {run.MostAllocated / 1024.0 / 1024:F1} MB and {run.Longest.TotalMilliseconds:F0} ms for one");
        run.Findings.ForEach(Console.WriteLine);
        return run.Findings.Count == 0 ? 0 : 1;

        int Number(int index, int otherwise) => arguments.Length > index ? int.Parse(arguments[index], CultureInfo.InvariantCulture) : otherwise;
    }

    private static void Read(FuzzTarget target, Stream stream, string path)
    {
        using MemoryStream bytes = new();
        stream.CopyTo(bytes);
        if (target.TakesFile)
            File.WriteAllBytes(path, bytes.ToArray());
        try
        {
            target.Read(bytes.ToArray(), path);
        }
        catch (Exception exception) when (target.IsExpected(exception))
        {
            // Refused, as it should be.
        }
    }
}
