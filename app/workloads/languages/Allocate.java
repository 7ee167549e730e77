import java.util.Scanner;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The work of `allocate` in Java: trees of small linked objects, built, walked and let go, on 1 to N threads.
 * Arguments and lines are those of app/workloads/languages/protocol.py; the pauses are in the JVM's own log.
 */
final class Allocate {
    private static final long NANOSECONDS_A_MILLISECOND = 1_000_000L;
    private static final long PROGRESS_MILLISECONDS = 100L;

    private static final class Node {
        Node left;
        Node right;
    }

    private final int depth;
    private final int keep;

    private Allocate(int depth, int keep) {
        this.depth = depth;
        this.keep = keep;
    }

    public static void main(String[] arguments) throws InterruptedException {
        Allocate allocate = new Allocate(Integer.parseInt(arguments[0]), Integer.parseInt(arguments[1]));
        say(String.format("{\"ready\":{\"name\":\"Java\",\"version\":\"%s\"}}", System.getProperty("java.version")));
        Thread running = null;
        try (Scanner asked = new Scanner(System.in)) {
            while (asked.hasNextInt()) {
                int threads = asked.nextInt();
                long milliseconds = asked.nextLong();
                if (running != null) {
                    running.join();
                }
                running = new Thread(() -> allocate.phase(threads, milliseconds));
                running.start();
            }
        }
        Runtime.getRuntime().halt(0); // whoever asked is gone, and may have gone amid a phase
    }

    private void phase(int threads, long milliseconds) {
        AtomicBoolean stop = new AtomicBoolean();
        AtomicLong[] counters = new AtomicLong[threads];
        Thread[] workers = new Thread[threads];
        for (int i = 0; i < threads; i++) {
            AtomicLong counter = counters[i] = new AtomicLong();
            workers[i] = new Thread(() -> work(stop, counter), "worker-" + (i + 1));
        }
        long start = System.nanoTime(); // CLOCK_MONOTONIC
        try {
            for (Thread worker : workers) {
                worker.start();
            }
            long left = milliseconds;
            while (left > 0) {
                Thread.sleep(Math.min(left, PROGRESS_MILLISECONDS));
                say(String.format("{\"trees\":%d}", sum(counters)));
                left = milliseconds - (System.nanoTime() - start) / NANOSECONDS_A_MILLISECOND;
            }
            long end = System.nanoTime();
            long trees = sum(counters);
            stop.set(true);
            for (Thread worker : workers) {
                worker.join();
            }
            say(String.format(
                "{\"done\":{\"threads\":%d,\"trees\":%d,\"start_ns\":%d,\"end_ns\":%d,\"pauses\":[]}}",
                threads, trees, start, end));
        } catch (InterruptedException interrupted) {
            throw new IllegalStateException(interrupted);
        }
    }

    private void work(AtomicBoolean stop, AtomicLong counter) {
        Node[] kept = new Node[keep];
        long expected = (2L << depth) - 1;
        for (int turn = 0; !stop.getPlain(); turn = (turn + 1) % keep) {
            Node tree = build(depth);
            if (nodes(tree) != expected) {
                throw new IllegalStateException("a tree has lost nodes");
            }
            kept[turn] = tree;
            counter.lazySet(counter.getPlain() + 1);
        }
    }

    private static Node build(int depth) {
        Node node = new Node();
        if (depth > 0) {
            node.left = build(depth - 1);
            node.right = build(depth - 1);
        }
        return node;
    }

    private static long nodes(Node node) {
        return 1 + (node.left == null ? 0 : nodes(node.left) + nodes(node.right));
    }

    private static long sum(AtomicLong[] counters) {
        long trees = 0;
        for (AtomicLong counter : counters) {
            trees += counter.get();
        }
        return trees;
    }

    private static void say(String line) {
        System.out.println(line);
        System.out.flush();
    }
}
