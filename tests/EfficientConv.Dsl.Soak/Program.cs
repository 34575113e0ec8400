using System.CommandLine;
using System.Globalization;

namespace EfficientConv.Dsl.Soak;

/// <summary>All runs one after the other; ends with 1 at the first that finds something.</summary>
internal static class Program
{
    private static int Main(string[] arguments)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        if (arguments is ["write", var kind, var path])
        {
            Kills.WriteForever(kind, path);
            return 0;
        }

        Option<int> seconds = new("--seconds") { Description = "Seconds of each of the two runs with eight threads.", DefaultValueFactory = _ => 3600 };
        Option<int> instances = new("--instances") { Description = "Instances that are made and dropped.", DefaultValueFactory = _ => 10_000 };
        Option<int> kills = new("--kills") { Description = "Writers of each kind of file that are killed.", DefaultValueFactory = _ => 200 };
        RootCommand command = new("Eight threads on one instance and on eight networks, instances without end, killed writers: bits, memory, handles, threads and files.") { seconds, instances, kills };
        command.SetAction(parsed =>
        {
            TimeSpan duration = TimeSpan.FromSeconds(parsed.GetValue(seconds));
            try
            {
                foreach (Func<string> run in (Func<string>[])[() => Runs.OneInstance(duration), () => Runs.EightNetworks(duration), () => Runs.Instances(parsed.GetValue(instances)), () => Kills.Run(parsed.GetValue(kills))])
                    Console.WriteLine(run());
                return 0;
            }
            catch (SoakException exception)
            {
                Console.WriteLine($"FOUND: {exception.Message}");
                return 1;
            }
        });
        return command.Parse(arguments).Invoke();
    }
}
